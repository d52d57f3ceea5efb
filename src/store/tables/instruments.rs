//! The table `instruments`.

use crate::ledger::{AccountNumber, IdCodec, Instrument, InstrumentNumber, Validity};

use super::{stored_id, table_columns};
use crate::ledger::Named;
use crate::store::engine::Row;

/// An instrument and its id as it is stored.
pub(in crate::store) struct InstrumentToSave<'a> {
    instrument: &'a Instrument,
    stored_id: Option<String>,
}

impl<'a> InstrumentToSave<'a> {
    pub(in crate::store) fn new(instrument: &'a Instrument, ids: IdCodec) -> Self {
        let derived = ids.instrument(instrument.number);
        Self { instrument, stored_id: stored_id(instrument.id.as_str(), derived.as_str()) }
    }
}

table_columns! {
    instruments: row: InstrumentToSave<'_>;
    insert {
        number = row.instrument.number.0,
        id = row.stored_id.clone(),
        kind = row.instrument.kind.name(),
        sender = row.instrument.sender.0,
        recipient = row.instrument.recipient.0,
        ceiling = row.instrument.ceiling.micros(),
        valid_from = row.instrument.validity.from.map(|at| at.millis()),
        valid_until = row.instrument.validity.until.map(|at| at.millis()),
        active = i64::from(row.instrument.active),
    }
}

/// Reads an instrument.
pub(in crate::store) fn read(row: &Row, ids: IdCodec) -> sqlx::Result<Instrument> {
    let number = InstrumentNumber(row.try_get("number")?);
    let stored_id: Option<String> = row.try_get("id")?;
    Ok(Instrument {
        number,
        id: stored_id.map_or_else(|| ids.instrument(number), Into::into),
        kind: row.text_enum("kind")?,
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        ceiling: row.amount("ceiling")?,
        validity: Validity {
            from: row.optional_instant("valid_from")?,
            until: row.optional_instant("valid_until")?,
        },
        active: row.boolean("active")?,
    })
}
