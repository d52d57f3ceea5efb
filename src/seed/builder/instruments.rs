//! Credit instruments and prepaid instruments.

use toml::Spanned;

use crate::ledger::{Amount, Instrument, InstrumentKind, InstrumentNumber, Validity};

use super::super::error::{EntryError, EntryResult};
use super::super::file::{CreditInstrumentEntry, PrepaidInstrumentEntry};
use super::Builder;
use super::values::{amount, validity};

pub(super) fn add_credit_instrument(
    builder: &mut Builder<'_>,
    entry: &CreditInstrumentEntry,
) -> EntryResult<()> {
    let instrument = NewInstrument {
        id: &entry.id,
        sender: &entry.sender,
        recipient: &entry.recipient,
        kind: InstrumentKind::Credit,
        ceiling: amount(&entry.credit_limit)?,
        validity: validity(entry.valid_from, entry.valid_until),
        active: entry.active,
    };
    add_instrument(builder, &instrument)
}

pub(super) fn add_prepaid_instrument(
    builder: &mut Builder<'_>,
    entry: &PrepaidInstrumentEntry,
) -> EntryResult<()> {
    let instrument = NewInstrument {
        id: &entry.id,
        sender: &entry.sender,
        recipient: &entry.recipient,
        kind: InstrumentKind::Prepaid,
        ceiling: amount(&entry.recharge_limit)?,
        validity: validity(entry.valid_from, entry.valid_until),
        active: entry.active,
    };
    add_instrument(builder, &instrument)
}

/// What the two kinds of instruments have in common.
struct NewInstrument<'a> {
    id: &'a Spanned<String>,
    sender: &'a Spanned<String>,
    recipient: &'a Spanned<String>,
    kind: InstrumentKind,
    ceiling: Amount,
    validity: Validity,
    active: bool,
}

fn add_instrument(builder: &mut Builder<'_>, entry: &NewInstrument<'_>) -> EntryResult<()> {
    builder.check_not_generated(entry.id)?;
    let number = InstrumentNumber(builder.ids.next_number());
    let id = entry.id.get_ref();
    if builder.instruments.insert(id.clone(), number).is_some() {
        return Err(EntryError::at(entry.id, format!("there are two instruments `{id}`")));
    }
    let sender = builder.find_account(entry.sender)?;
    let recipient = builder.find_account(entry.recipient)?;
    builder.book.add_instrument(Instrument {
        number,
        id: id.as_str().into(),
        kind: entry.kind,
        sender,
        recipient,
        ceiling: entry.ceiling,
        validity: entry.validity,
        active: entry.active,
    });
    Ok(())
}
