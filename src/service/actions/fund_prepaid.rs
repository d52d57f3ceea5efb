//! FundPrepaid: pays money in advance (guide: API Reference, FundPrepaid).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Behaviour, Handler, documented, observed, our_choice};
use crate::service::concat::concat_slices;
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::{payments, shared};

pub(super) static ACTION: Action = Action {
    name: "FundPrepaid",
    aliases: &[],
    summary: "Pays money in advance onto a prepaid instrument, by its funding token.",
    source: "API Reference, FundPrepaid; Aggregated Payments Guide, Using Prepaid Payment Tokens",
    parameters: concat_slices!([Parameter]: &[
        Parameter::required("SenderTokenId", ParameterKind::Characters(64), "The funding token."),
        shared::PREPAID_INSTRUMENT_ID,
        Parameter::required("FundingAmount", ParameterKind::Amount, "How much."),
    ], payments::INSTRUMENT_PAYMENT_OPTIONS),
    legacy: payments::LEGACY_PARAMETERS_WITH_CHARGE_FEE_TO,
    errors: concat_slices!([Code]: payments::ERRORS, &[
        Code::InvalidPaymentInstrument,
        Code::InstrumentAccessDenied,
        Code::UnverifiedBankAccount,
        Code::InstrumentExpired,
        Code::InactiveInstrument,
        Code::InsufficientBalance,
        Code::PrepaidFundingLimitExceeded,
    ]),
    behaviours: concat_slices!([Behaviour]: &[
        documented("The instrument gets the whole amount, the recipient the amount less the fee."),
        observed("The fees of the guide's samples: 0.10 for 1.00, 0.30 for 5.00 and for 10.00 by card."),
        our_choice(
            "The recharge limit binds what is there, on its way and newly paid in together; what a refund brings back may pass it.",
        ),
    ], payments::BEHAVIOURS),
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let sender_token = parameters.read("SenderTokenId")?;
    let instrument = parameters.read("PrepaidInstrumentId")?;
    let amount = parameters.read("FundingAmount")?;
    let (descriptions, timeout_minutes) = payments::read_options(parameters)?;
    let caller = context.caller;
    let fund =
        ledger::FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
    let receipt = context.run_idempotent(fund).await?;
    Ok(ActionResult::receipt(&receipt))
}
