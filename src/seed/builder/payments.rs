//! Payments: the ledger runs each with its token, as if a client had sent the request.

use crate::error::FpsError;
use crate::ledger::{
    Book, Command, Context, FundPrepaid, IdempotentOperation, MarketplaceFee, Pay, Payment, Purpose,
    RunScheduledStep, SettleDebt, Token, TransactionNumber,
};

use super::super::error::{EntryError, EntryResult};
use super::super::file::PaymentEntry;
use super::Builder;
use super::values::{amount, descriptions, refusal_error};

/// The transaction timeout of seeded payments: a week. It has no effect, because they finish at once.
const TIMEOUT_MINUTES: i64 = 10_080;

pub(super) fn add_payment(builder: &mut Builder<'_>, entry: &PaymentEntry) -> EntryResult<()> {
    let id = entry.token.get_ref();
    let token = builder.book.token(&id.as_str().into()).cloned();
    let token = token.ok_or_else(|| EntryError::at(&entry.token, format!("there is no token `{id}`")))?;
    let (book, mut context) = builder.book_and_context();
    let number = run_payment(entry, &token, book, &mut context)?
        .map_err(|refusal| refusal_error(&entry.token, "payment", &refusal))?;
    if let Some(id) = &entry.id {
        builder.check_not_generated(id)?;
        if builder.book.transaction(&id.get_ref().as_str().into()).is_some() {
            return Err(EntryError::at(id, format!("there are two payments `{}`", id.get_ref())));
        }
        builder.book.rename_transaction(number, id.get_ref().as_str().into());
    }
    // A payment by card or bank account is pending now. What is scheduled for it runs at once.
    let (book, mut context) = builder.book_and_context();
    let scheduled: Vec<_> = book.changes().due.values().copied().flatten().collect();
    for scheduled in scheduled {
        RunScheduledStep(scheduled)
            .decide(book, &mut context)
            .map_err(|refusal| refusal_error(&entry.token, "payment", &refusal))?;
    }
    Ok(())
}

/// Runs the operation that the purpose of the token implies: SettleDebt, FundPrepaid or Pay. The inner error is the
/// ledger's refusal.
fn run_payment(
    entry: &PaymentEntry,
    token: &Token,
    book: &mut Book,
    context: &mut Context<'_>,
) -> EntryResult<Result<TransactionNumber, FpsError>> {
    let caller = token.caller;
    let name = entry.id.as_ref().unwrap_or(&entry.token).get_ref();
    let mut descriptions = descriptions("seeded payment", Some(name), entry.caller_reference.as_ref());
    descriptions.caller_description.clone_from(&entry.caller_description);
    let (amount, sender_token, timeout_minutes) = (amount(&entry.amount)?, token.id.clone(), TIMEOUT_MINUTES);
    let instrument = token.instrument.and_then(|number| book.instrument_by_number(number));
    let instrument = instrument.map(|instrument| instrument.id.clone());
    Ok(match (token.purpose, instrument) {
        (Purpose::Settlement, Some(instrument)) => {
            let amount = Some(amount);
            SettleDebt { caller, sender_token, instrument, amount, descriptions, timeout_minutes }
                .decide(book, context)
        }
        (Purpose::Funding, Some(instrument)) => {
            FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes }
                .decide(book, context)
        }
        _ => Pay(Payment {
            caller,
            sender_token,
            recipient_token: None,
            amount,
            charge_fee_to: None,
            marketplace_fee: MarketplaceFee::default(),
            descriptions,
            timeout_minutes,
        })
        .decide(book, context),
    })
}
