//! GetTokenUsage: reports how much of a token's limits is used (guide: API Reference, GetTokenUsage).

use crate::error::{Code, FpsError};
use crate::ledger::{self, Amount, Timestamp, UsageLimit, UsageMeasure, WindowUsage};
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::{ActionResult, ElementWriter};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetTokenUsage",
    aliases: &[],
    summary: "Reports how much of a token's usage limits is used.",
    source: "API Reference, GetTokenUsage",
    parameters: &[shared::TOKEN_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTokenId, Code::TokenAccessDenied, Code::InvalidTokenType],
    behaviours: &[
        documented(
            "One TokenUsageLimits element for each limit, with an amount or a count; not for single-use tokens.",
        ),
        our_choice(
            "LastResetAmount and LastResetCount are what was used since LastResetTimestamp, the start of the window.",
        ),
        our_choice("Windows of the limit's length follow each other from the start of the token's validity."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let token = context.parameters.read("TokenId")?;
    let limits = context.query(ledger::GetTokenUsage { caller: context.caller, token }).await?;
    Ok(ActionResult::with_result(|out| {
        for (limit, used) in &limits {
            out.element("TokenUsageLimits", |out| write_limit(out, limit, used));
        }
    }))
}

fn write_limit(out: &mut ElementWriter, limit: &UsageLimit, used: &WindowUsage) {
    match limit.measure {
        UsageMeasure::Count => {
            out.text("Count", limit.allowed);
            out.text("LastResetCount", used.used);
        }
        UsageMeasure::Amount => {
            out.amount("Amount", Amount::from_micros(limit.allowed));
            out.amount("LastResetAmount", Amount::from_micros(used.used));
        }
    }
    out.text("LastResetTimestamp", Timestamp::from_millis(used.since));
}
