//! Payment tokens.

use rust_decimal::Decimal;
use strum::VariantArray as _;
use toml::Spanned;

use crate::ledger::Named as _;
use crate::ledger::{
    AccountNumber, Amount, InstrumentKind, InstrumentNumber, PaymentMethod, Purpose, RecipientTerms, Token,
    TokenId, TokenNumber, TokenType, Usage, UsageLimit, UsageMeasure, Validity,
};

use super::super::error::{EntryError, EntryResult};
use super::super::file::{TokenEntry, UsageLimitEntry};
use super::Builder;
use super::values::{amount, period, real_method, validity};

pub(super) fn add_token(builder: &mut Builder<'_>, entry: &TokenEntry) -> EntryResult<()> {
    builder.check_not_generated(&entry.id)?;
    let id = entry.id.get_ref();
    if builder.book.token(&id.as_str().into()).is_some() {
        return Err(EntryError::at(&entry.id, format!("there are two tokens `{id}`")));
    }
    let (purpose, instrument) = purpose_and_instrument(builder, entry)?;
    let (account, caller) = owner_and_caller(builder, entry, instrument)?;
    let token_type = token_type(entry)?;
    let validity = validity(entry.valid_from, entry.valid_until);
    let default_validity = token_type.validity(builder.now);
    let limits = entry.usage_limit.iter().map(|limit| usage_limit(entry, limit));
    let token = Token {
        number: TokenNumber(builder.ids.next_number()),
        id: id.as_str().into(),
        account,
        caller,
        purpose,
        token_type,
        active: entry.active,
        method: method(entry, purpose)?,
        instrument,
        caller_reference: entry.caller_reference.clone().unwrap_or_else(|| id.clone()),
        friendly_name: entry.friendly_name.clone().unwrap_or_else(|| id.clone()),
        payment_reason: None,
        instruction: None,
        terms: recipient_terms(entry)?,
        recipients: recipients(builder, entry)?,
        installed: builder.now,
        validity: Validity { until: validity.until.or(default_validity.until), ..validity },
        min_charge: entry.min_charge.as_ref().map(amount).transpose()?,
        max_charge: entry.max_charge.as_ref().map(amount).transpose()?,
        global_limit: entry.global_amount_limit.as_ref().map(amount).transpose()?,
        limits: limits.collect::<EntryResult<_>>()?,
        usage: Usage::default(),
    };
    builder.book.add_token(token);
    Ok(())
}

/// What a token is for, and the instrument that it uses.
fn purpose_and_instrument(
    builder: &Builder<'_>,
    entry: &TokenEntry,
) -> EntryResult<(Purpose, Option<InstrumentNumber>)> {
    if entry.recipient.is_some() {
        return Ok((Purpose::Recipient, None));
    }
    // `charges` fits both kinds of instruments, `settles` and `funds` fit one.
    let uses = [
        entry.charges.as_ref().map(|id| (id, None)),
        entry.settles.as_ref().map(|id| (id, Some((InstrumentKind::Credit, Purpose::Settlement)))),
        entry.funds.as_ref().map(|id| (id, Some((InstrumentKind::Prepaid, Purpose::Funding)))),
    ];
    let mut uses = uses.into_iter().flatten();
    let Some((id, required_kind)) = uses.next() else { return Ok((Purpose::Payment, None)) };
    if let Some((second, _)) = uses.next() {
        let problem = "a token either `charges`, `settles` or `funds` an instrument";
        return Err(EntryError::at(second, problem));
    }
    let instrument = builder.find_instrument(id)?;
    let purpose = match (required_kind, instrument.kind) {
        (None, InstrumentKind::Credit) => Purpose::Credit,
        (None, InstrumentKind::Prepaid) => Purpose::Prepaid,
        (Some((required, purpose)), kind) if required == kind => purpose,
        _ => {
            let problem =
                "a token settles credit instruments and funds prepaid ones, not the other way round";
            return Err(EntryError::at(id, problem));
        }
    };
    Ok((purpose, Some(instrument.number)))
}

/// Owner and caller: the parties of the instrument, or those that the entry names.
fn owner_and_caller(
    builder: &Builder<'_>,
    entry: &TokenEntry,
    instrument: Option<InstrumentNumber>,
) -> EntryResult<(AccountNumber, AccountNumber)> {
    if let Some(instrument) = instrument.and_then(|number| builder.book.instrument_by_number(number)) {
        return Ok((instrument.sender, instrument.recipient));
    }
    let owner = entry.recipient.as_ref().or(entry.sender.as_ref());
    let owner = find_party(builder, entry, "sender", owner)?;
    let caller = find_party(builder, entry, "caller", entry.caller.as_ref())?;
    Ok((owner, caller))
}

fn find_party(
    builder: &Builder<'_>,
    entry: &TokenEntry,
    role: &str,
    name: Option<&Spanned<String>>,
) -> EntryResult<AccountNumber> {
    let name = name.ok_or_else(|| {
        let problem =
            format!("the token needs a `{role}`, or an instrument that it `charges`, `settles` or `funds`");
        EntryError::at(&entry.id, problem)
    })?;
    builder.find_account(name)
}

fn recipients(builder: &Builder<'_>, entry: &TokenEntry) -> EntryResult<Vec<TokenId>> {
    let find = |name: &Spanned<String>| {
        let id = TokenId::from(name.get_ref().as_str());
        let is_recipient = builder.book.token(&id).is_some_and(|token| token.purpose == Purpose::Recipient);
        if is_recipient {
            return Ok(id);
        }
        Err(EntryError::at(name, format!("there is no recipient token `{id}` above this one")))
    };
    entry.recipients.iter().map(find).collect()
}

fn token_type(entry: &TokenEntry) -> EntryResult<TokenType> {
    let Some(name) = &entry.token_type else { return Ok(TokenType::MultiUse) };
    TokenType::named(name.get_ref()).ok_or_else(|| {
        let names: Vec<_> = TokenType::VARIANTS.iter().map(|known| known.name()).collect();
        let problem = format!("`{}` is no token type; use one of {}", name.get_ref(), names.join(", "));
        EntryError::at(name, problem)
    })
}

fn method(entry: &TokenEntry, purpose: Purpose) -> EntryResult<PaymentMethod> {
    let implied = match purpose {
        Purpose::Credit => Some(PaymentMethod::Debt),
        Purpose::Prepaid => Some(PaymentMethod::Prepaid),
        Purpose::Recipient => Some(PaymentMethod::ABT),
        Purpose::Payment | Purpose::Settlement | Purpose::Funding | Purpose::Refund | Purpose::Installed => {
            None
        }
    };
    match (&entry.method, implied) {
        (None, Some(implied)) => Ok(implied),
        (None, None) => Err(EntryError::at(&entry.id, "the token needs a `method`: ABT, CC or ACH")),
        (Some(name), Some(_)) => {
            let problem = "a token that charges an instrument pays by that, and a recipient token does not pay; leave `method` out";
            Err(EntryError::at(name, problem))
        }
        (Some(name), None) => real_method(name),
    }
}

fn usage_limit(token: &TokenEntry, entry: &UsageLimitEntry) -> EntryResult<UsageLimit> {
    let (measure, allowed) = match (&entry.amount, &entry.count) {
        (Some(dollars), None) => (UsageMeasure::Amount, amount(dollars)?.micros()),
        (None, Some(count)) if *count.get_ref() > 0 => (UsageMeasure::Count, *count.get_ref()),
        _ => {
            let problem = "a usage limit needs either an `amount` or a `count` above zero";
            return Err(EntryError::at(&token.id, problem));
        }
    };
    Ok(UsageLimit { measure, allowed, period: entry.period.as_ref().map(period).transpose()? })
}

fn recipient_terms(entry: &TokenEntry) -> EntryResult<Option<RecipientTerms>> {
    if entry.recipient.is_none() {
        return Ok(None);
    }
    let percent = |value: &Spanned<Decimal>| {
        let is_in_range = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(value.get_ref());
        if is_in_range {
            Ok(*value.get_ref())
        } else {
            Err(EntryError::at(value, "per cent lie between 0 and 100"))
        }
    };
    let amount_or_zero = |value: &Spanned<Decimal>| {
        if value.get_ref().is_zero() { Ok(Amount::ZERO) } else { amount(value) }
    };
    Ok(Some(RecipientTerms {
        recipient_pays_fee: entry.recipient_pays_fee.unwrap_or(true),
        max_fixed_fee: entry.max_fixed_fee.as_ref().map(amount_or_zero).transpose()?,
        max_variable_fee: entry.max_variable_fee.as_ref().map(percent).transpose()?,
    }))
}
