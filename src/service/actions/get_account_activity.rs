//! GetAccountActivity: lists the transactions of the caller's account (guide: API Reference, GetAccountActivity).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Code, FpsError};
use crate::ledger::Named as _;
use crate::ledger::{
    self, Account, AccountNumber, ActivityQuery, Amount, ChargeFeeTo, Operation, Role, Status, Timestamp,
    Transaction, TransactionDetail,
};
use crate::service::action::{Action, Handler, documented, observed, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind, ParameterReader};
use crate::service::{ActionResult, ElementWriter};

/// The number of the next filtered query. Each gets a number of its own, so that a batch never merges two of them.
static NEXT_SEARCH: AtomicU64 = AtomicU64::new(1);

const STATUSES: ParameterKind =
    ParameterKind::OneOf(&["Reserved", "Success", "Failure", "Pending", "Cancelled"]);
const OPERATIONS: ParameterKind = ParameterKind::OneOf(&[
    "Pay",
    "Refund",
    "Settle",
    "SettleDebt",
    "WriteOffDebt",
    "FundPrepaid",
    "Reserve",
]);

pub(super) static ACTION: Action = Action {
    name: "GetAccountActivity",
    aliases: &[],
    summary: "Lists the transactions of the caller's account, page by page.",
    source: "API Reference, GetAccountActivity; schema type Transaction",
    parameters: &[
        Parameter::optional("MaxBatchSize", ParameterKind::Number(1, 200), "How many on a page.").or("20"),
        Parameter::required("StartDate", ParameterKind::Timestamp, "Received at this instant or later."),
        Parameter::optional(
            "EndDate",
            ParameterKind::Timestamp,
            "Received at this instant or earlier. Default: now.",
        ),
        Parameter::optional(
            "SortOrderByDate",
            ParameterKind::OneOf(&["Ascending", "Descending"]),
            "Oldest or newest first.",
        )
        .or("Descending"),
        Parameter::optional("FPSOperation", OPERATIONS, "Only these."),
        Parameter::optional(
            "PaymentMethod",
            ParameterKind::OneOf(&["ABT", "CC", "ACH", "Debt", "Prepaid"]),
            "Only these.",
        ),
        Parameter::optional(
            "Role",
            ParameterKind::ListOf(&["Sender", "Caller", "Recipient"]),
            "Only where the account played one of these roles.",
        ),
        Parameter::optional("TransactionStatus", STATUSES, "Only these."),
        Parameter::optional("Operation", OPERATIONS, "Older name of FPSOperation."),
        Parameter::optional("Status", STATUSES, "Older name of TransactionStatus."),
    ],
    legacy: &["ResponseGroup"],
    errors: &[Code::InvalidParams, Code::InvalidDateRange],
    behaviours: &[
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
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let query = read_query(&mut context.parameters, context.caller)?;
    let activity = context.query(ledger::GetAccountActivity { caller: context.caller, query }).await?;
    Ok(ActionResult::with_result(|out| {
        out.text("BatchSize", activity.transactions.len());
        for detail in &activity.transactions {
            out.element("Transaction", |out| write_transaction(out, detail, activity.account));
        }
        out.optional_text("StartTimeForNextTransaction", activity.next);
    }))
}

fn read_query(
    parameters: &mut ParameterReader<'_>,
    account: AccountNumber,
) -> Result<ActivityQuery, FpsError> {
    let batch = parameters.read("MaxBatchSize")?;
    let from = parameters.read("StartDate")?;
    // Without an EndDate the end is a fixed instant, not the current time. So equal requests make equal queries,
    // which a batch looks up once.
    let to = parameters.read::<Option<_>>("EndDate")?.unwrap_or(Timestamp::MAX);
    let descending = parameters.read::<&str>("SortOrderByDate")? == "Descending";
    let operation: Option<Operation> = parameters.read("FPSOperation")?;
    let method = parameters.read("PaymentMethod")?;
    let mut roles: Vec<Role> = parameters.read("Role")?;
    roles.sort_unstable();
    roles.dedup();
    let status: Option<Status> = parameters.read("TransactionStatus")?;
    let operation = operation.or(parameters.read("Operation")?);
    let status = status.or(parameters.read("Status")?);
    let mut query =
        ActivityQuery { account, from, to, descending, batch, operation, method, status, roles, search: 0 };
    if query.is_filtered() {
        query.search = NEXT_SEARCH.fetch_add(1, Ordering::Relaxed);
    }
    Ok(query)
}

fn write_transaction(out: &mut ElementWriter, detail: &TransactionDetail, account: AccountNumber) {
    let transaction = &detail.transaction;
    let last_change = transaction.last_change();
    out.text("TransactionId", &transaction.id);
    out.text("CallerTransactionDate", transaction.received);
    out.text("DateReceived", transaction.received);
    out.optional_text("DateCompleted", transaction.history.completed());
    out.amount("TransactionAmount", transaction.charged());
    out.text("FPSOperation", transaction.operation.name());
    out.text("TransactionStatus", last_change.status.name());
    out.text("StatusMessage", last_change.message());
    out.text("StatusCode", last_change.code.wire_name());
    out.optional_text("OriginalTransactionId", detail.original.as_ref());
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
    out.optional_text("SenderTokenId", detail.sender_token.as_ref());
    out.optional_text("RecipientTokenId", detail.recipient_token.as_ref());
}

fn write_part(out: &mut ElementWriter, detail: &TransactionDetail, role: Role) {
    let transaction = &detail.transaction;
    let descriptions = &transaction.descriptions;
    let (party, reference, description): (&Account, _, _) = match role {
        Role::Sender => (&detail.sender, None, descriptions.sender_description.as_ref()),
        Role::Caller => {
            (&detail.caller, Some(&descriptions.caller_reference), descriptions.caller_description.as_ref())
        }
        Role::Recipient => (&detail.recipient, None, None),
    };
    out.element("TransactionPart", |out| {
        let instrument = detail.instrument.as_ref().filter(|_| role == Role::Sender);
        out.optional_text("InstrumentId", instrument.map(|(_, id)| id));
        out.text("Role", role.name());
        out.text("Name", &party.name);
        out.optional_text("Reference", reference);
        out.optional_text("Description", description);
        out.amount("FeesPaid", fees_paid(transaction, role));
    });
}

/// FPS's fee for the role that pays it, and zero for the other roles. In a refund the merchant is the sender.
fn fees_paid(transaction: &Transaction, role: Role) -> Amount {
    let merchant = if transaction.operation == Operation::Refund { Role::Sender } else { Role::Recipient };
    let payer = match transaction.charge_fee_to {
        ChargeFeeTo::Recipient => merchant,
        ChargeFeeTo::Caller => Role::Caller,
    };
    if role == payer { transaction.progress.fee } else { Amount::ZERO }
}
