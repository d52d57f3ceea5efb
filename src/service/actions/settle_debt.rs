//! SettleDebt: pays debt on a credit instrument (guide: SettleDebt; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Behaviour, Handler, documented, our_choice};
use crate::service::concat::concat_slices;
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::{payments, shared};

pub(super) static ACTION: Action = Action {
    name: "SettleDebt",
    aliases: &[],
    summary: "Settles debt on a credit instrument with money, by its settlement token.",
    source: "API Reference, SettleDebt; Aggregated Payments Guide, Using Postpaid Payment Tokens",
    parameters: concat_slices!([Parameter]: &[
        Parameter::required(
            "SenderTokenId",
            ParameterKind::Characters(64),
            "The settlement token, not the credit sender token.",
        ),
        shared::CREDIT_INSTRUMENT_ID,
        Parameter::optional("SettlementAmount", ParameterKind::Amount, "How much. Default: the whole debt."),
    ], payments::INSTRUMENT_PAYMENT_OPTIONS),
    legacy: payments::LEGACY_PARAMETERS_WITH_CHARGE_FEE_TO,
    errors: concat_slices!([Code]: payments::ERRORS, &[
        Code::InvalidPaymentInstrument,
        Code::InstrumentAccessDenied,
        Code::UnverifiedBankAccount,
        Code::InstrumentExpired,
        Code::InactiveInstrument,
        Code::InsufficientBalance,
        Code::SettleAmountGreaterThanDebt,
    ]),
    behaviours: concat_slices!([Behaviour]: &[
        documented(
            "Debt falls by the whole amount, the recipient receives the amount less the fee; of a debt of 100, settling 90 leaves 10 and brings 87.50.",
        ),
        documented("The settlement token's global amount limit bounds the sum of all settlements."),
        documented("Settling more than is owed is SettleAmountGreaterThanDebt."),
        our_choice(
            "Without SettlementAmount the whole debt is settled; when nothing is owed, SettleAmountGreaterThanDebt.",
        ),
        our_choice("Debt is never settled by itself."),
        our_choice("A settlement that fails gives its amount back to the debt and to the token's limits."),
    ], payments::BEHAVIOURS),
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let sender_token = parameters.read("SenderTokenId")?;
    let instrument = parameters.read("CreditInstrumentId")?;
    let amount = parameters.read("SettlementAmount")?;
    let (descriptions, timeout_minutes) = payments::read_options(parameters)?;
    let caller = context.caller;
    let settle =
        ledger::SettleDebt { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
    let receipt = context.run_idempotent(settle).await?;
    Ok(ActionResult::receipt(&receipt))
}
