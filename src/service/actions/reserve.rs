//! Reserve: holds money on a card for up to seven days (guide: API Reference, Reserve).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Behaviour, Handler, documented, our_choice};
use crate::service::concat::concat_slices;
use crate::service::context::ActionContext;

use super::payments;

pub(super) static ACTION: Action = Action {
    name: "Reserve",
    aliases: &[],
    summary: "Holds money on the sender's card, to be settled or cancelled later.",
    source: "API Reference, Reserve",
    parameters: payments::PAY_AND_RESERVE_PARAMETERS,
    legacy: payments::LEGACY_PARAMETERS,
    errors: concat_slices!([Code]: payments::ERRORS, payments::RECIPIENT_TOKEN_ERRORS, &[
        Code::PaymentInstrumentNotCC,
    ]),
    behaviours: concat_slices!([Behaviour]: &[
        documented("Cards only; the hold lapses after seven days."),
        our_choice(
            "Pending at first, Reserved when the card answers; a hold that lapses ends as Cancelled / Expired.",
        ),
        our_choice(
            "The fee is that of a card Pay and is taken when the hold is settled, on what is settled.",
        ),
    ], payments::BEHAVIOURS),
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let payment = payments::read_payment(&mut context.parameters, context.caller)?;
    let receipt = context.run_idempotent(ledger::Reserve(payment)).await?;
    Ok(ActionResult::receipt(&receipt))
}
