//! GetAccountActivity: what happened on the caller's account (guide: API Reference, GetAccountActivity).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, FpsError};
use crate::ledger::{
    self, Account, AccountNumber, ActivityQuery, Amount, ChargeFeeTo, Role, Timestamp, Transaction,
    TransactionDetail,
};
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter, Params};
use crate::service::{Answer, Elements};

use super::{Action, Run, documented, observed, our_choice};

const STATUSES: Kind = Kind::OneOf(&["Reserved", "Success", "Failure", "Pending", "Cancelled"]);
const OPERATIONS: Kind =
    Kind::OneOf(&["Pay", "Refund", "Settle", "SettleDebt", "WriteOffDebt", "FundPrepaid", "Reserve"]);

pub(super) static ACTION: Action = Action {
    name: "GetAccountActivity",
    aliases: &[],
    summary: "Lists the transactions of the caller's account, page by page.",
    source: "API Reference, GetAccountActivity; schema type Transaction",
    parameters: &[
        Parameter::optional("MaxBatchSize", Kind::Number(1, 200), "How many on a page. Default 20."),
        Parameter::required("StartDate", Kind::Instant, "Received at this instant or later."),
        Parameter::optional("EndDate", Kind::Instant, "Received at this instant or earlier. Default: now."),
        Parameter::optional(
            "SortOrderByDate",
            Kind::OneOf(&["Ascending", "Descending"]),
            "Oldest or newest first. Default Descending.",
        ),
        Parameter::optional("FPSOperation", OPERATIONS, "Only these."),
        Parameter::optional(
            "PaymentMethod",
            Kind::OneOf(&["ABT", "CC", "ACH", "Debt", "Prepaid"]),
            "Only these.",
        ),
        Parameter::optional(
            "Role",
            Kind::ListOf(&["Sender", "Caller", "Recipient"]),
            "Only where the account played one of these roles.",
        ),
        Parameter::optional("TransactionStatus", STATUSES, "Only these."),
        Parameter::optional("Operation", OPERATIONS, "Older name of FPSOperation."),
        Parameter::optional("Status", STATUSES, "Older name of TransactionStatus."),
    ],
    legacy: &["ResponseGroup"],
    errors: &[Code::InvalidParams, Code::InvalidDateRange],
    fidelity: &[
        documented(
            "Balance is the account's running balance; TransactionParts hold the account's own roles and the caller.",
        ),
        observed(
            "Clients send a bare date, a date with blanks, and the older names Operation, Status and ResponseGroup.",
        ),
        our_choice(
            "Pages of 1 to 200. StartTimeForNextTransaction is the next StartDate in ascending order, the next EndDate in descending order.",
        ),
        our_choice(
            "A page ends between two milliseconds, so that none is lost or repeated. Each transaction takes a millisecond of its own; where more than MaxBatchSize came within one, they make a page of their own.",
        ),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let query = read_query(&mut call.params, call.caller)?;
    let activity = call.ask(ledger::GetAccountActivity { caller: call.caller, query }).await?;
    Ok(Answer::result(|out| {
        out.text("BatchSize", activity.transactions.len());
        for detail in &activity.transactions {
            out.nested("Transaction", |out| write_transaction(out, detail, activity.account));
        }
        out.maybe("StartTimeForNextTransaction", activity.next);
    }))
}

/// How many pages with a filter were asked for.
static SEARCHES: AtomicU64 = AtomicU64::new(1);

fn read_query(params: &mut Params<'_>, account: AccountNumber) -> Result<ActivityQuery, FpsError> {
    let batch = params.number("MaxBatchSize", 20)?;
    let from = params.instant("StartDate")?;
    // Without an end, whoever asks for the same page asks the very same, and a batch looks it up once.
    let to = params.optional_instant("EndDate")?.unwrap_or(Timestamp::MAX);
    let descending = params.one_of("SortOrderByDate", "Descending")? == "Descending";
    let operation = params.optional_choice("FPSOperation")?;
    let method = params.optional_choice("PaymentMethod")?;
    let mut roles: Vec<Role> = params.choices("Role")?;
    roles.sort_unstable();
    roles.dedup();
    let status = params.optional_choice("TransactionStatus")?;
    let operation = operation.or(params.optional_choice("Operation")?);
    let status = status.or(params.optional_choice("Status")?);
    let mut query =
        ActivityQuery { account, from, to, descending, batch, operation, method, status, roles, search: 0 };
    if query.is_filtered() {
        query.search = SEARCHES.fetch_add(1, Ordering::Relaxed);
    }
    Ok(query)
}

fn write_transaction(out: &mut Elements, detail: &TransactionDetail, account: AccountNumber) {
    let transaction = &detail.transaction;
    let stage = transaction.last_change();
    out.text("TransactionId", &transaction.id);
    out.text("CallerTransactionDate", transaction.received);
    out.text("DateReceived", transaction.received);
    out.maybe("DateCompleted", transaction.history.completed());
    out.amount("TransactionAmount", transaction.charged());
    out.text("FPSOperation", transaction.operation.name());
    out.text("TransactionStatus", stage.status.name());
    out.text("StatusMessage", stage.message());
    out.text("StatusCode", stage.code.wire_name());
    out.maybe("OriginalTransactionId", detail.original.as_ref());
    for role in [Role::Recipient, Role::Caller, Role::Sender] {
        if role == Role::Caller || transaction.party(role) == account {
            write_part(out, detail, role);
        }
    }
    out.text("PaymentMethod", transaction.method.name());
    out.text("SenderName", &detail.sender.name);
    out.text("CallerName", &detail.caller.name);
    out.text("RecipientName", &detail.recipient.name);
    out.amount("FPSFees", transaction.progress.fee);
    out.amount("Balance", transaction.balance_of(account));
    out.maybe("SenderTokenId", detail.sender_token.as_ref());
    out.maybe("RecipientTokenId", detail.recipient_token.as_ref());
}

fn write_part(out: &mut Elements, detail: &TransactionDetail, role: Role) {
    let transaction = &detail.transaction;
    let descriptions = &transaction.descriptions;
    let (party, reference, description): (&Account, _, _) = match role {
        Role::Sender => (&detail.sender, None, descriptions.sender_description.as_ref()),
        Role::Caller => {
            (&detail.caller, Some(&descriptions.caller_reference), descriptions.caller_description.as_ref())
        }
        Role::Recipient => (&detail.recipient, None, None),
    };
    out.nested("TransactionPart", |out| {
        let instrument = detail.instrument.as_ref().filter(|_| role == Role::Sender);
        out.maybe("InstrumentId", instrument.map(|(_, id)| id));
        out.text("Role", role.name());
        out.text("Name", &party.name);
        out.maybe("Reference", reference);
        out.maybe("Description", description);
        out.amount("FeesPaid", fees_paid(transaction, role));
    });
}

/// The party that bears FPS's fee shows it; in a refund the merchant is the sender.
fn fees_paid(transaction: &Transaction, role: Role) -> Amount {
    let merchant =
        if transaction.operation == ledger::Operation::Refund { Role::Sender } else { Role::Recipient };
    let payer = match transaction.charge_fee_to {
        ChargeFeeTo::Recipient => merchant,
        ChargeFeeTo::Caller => Role::Caller,
    };
    if role == payer { transaction.progress.fee } else { Amount::ZERO }
}
