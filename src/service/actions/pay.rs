//! Pay: moves money, or makes debt, from sender to recipient (guide: API Reference, Pay; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Behaviour, Handler, documented, observed, our_choice};
use crate::service::concat::concat_slices;
use crate::service::context::ActionContext;

use super::payments;

pub(super) static ACTION: Action = Action {
    name: "Pay",
    aliases: &[],
    summary: "Moves money from the sender to the recipient. With a credit token it makes debt, with a prepaid token it spends money paid in advance.",
    source: "API Reference, Pay; Aggregated Payments Guide, Using Postpaid Payment Tokens",
    parameters: payments::PAY_AND_RESERVE_PARAMETERS,
    legacy: payments::LEGACY_PARAMETERS,
    errors: concat_slices!([Code]: payments::ERRORS, payments::RECIPIENT_TOKEN_ERRORS, &[
        Code::UnverifiedBankAccount,
        Code::InstrumentExpired,
        Code::InactiveInstrument,
        Code::InsufficientBalance,
    ]),
    behaviours: concat_slices!([Behaviour]: &[
        documented("Balance transfers finish in the call; cards and banks answer Pending and finish later."),
        documented("A pending payment that is not done within TransactionTimeoutInMins fails."),
        documented("New debt is refused above the credit limit."),
        observed(
            "The text of InsufficientBalance on a credit instrument; debt equal to the limit is allowed.",
        ),
        our_choice("A Pay by credit token succeeds at once, moves no money and costs no fee."),
        our_choice(
            "Cards take 1 s and banks 4 days by default; a timed-out payment ends as Failure / Expired.",
        ),
        our_choice("The fee table, which reproduces every recorded fee."),
        documented(
            "A marketplace's fee is bounded by what the recipient token allows; the recipient must get something.",
        ),
        our_choice("A business account is a marketplace unless the seed file says otherwise."),
        documented("A Pay by prepaid token spends what was paid in advance, at once and without a fee."),
        documented("A single-use token pays once, within three hours of its making."),
    ], payments::BEHAVIOURS),
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let payment = payments::read_payment(&mut context.parameters, context.caller)?;
    let receipt = context.run_idempotent(ledger::Pay(payment)).await?;
    Ok(ActionResult::receipt(&receipt))
}
