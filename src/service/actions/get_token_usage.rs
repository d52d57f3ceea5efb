//! GetTokenUsage: how much of a token's limits is used (guide: API Reference, GetTokenUsage).

use crate::error::{Code, FpsError};
use crate::ledger::{self, Amount, Timestamp, UsageLimit, UsageMeasure, WindowUsage};
use crate::service::call::Call;
use crate::service::{Answer, Elements};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetTokenUsage",
    aliases: &[],
    summary: "Tells how much of a token's usage limits is used.",
    source: "API Reference, GetTokenUsage",
    parameters: &[shared::TOKEN_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTokenId, Code::TokenAccessDenied, Code::InvalidTokenType],
    fidelity: &[
        documented(
            "One TokenUsageLimits element for each limit, with an amount or a count; not for single-use tokens.",
        ),
        our_choice(
            "LastResetAmount and LastResetCount are what was used since LastResetTimestamp, the start of the window.",
        ),
        our_choice("Windows of the limit's length follow each other from the start of the token's validity."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let token = call.params.text("TokenId")?.into();
    let limits = call.ask(ledger::GetTokenUsage { caller: call.caller, token }).await?;
    Ok(Answer::result(|out| {
        for (limit, used) in &limits {
            out.nested("TokenUsageLimits", |out| write_limit(out, limit, used));
        }
    }))
}

fn write_limit(out: &mut Elements, limit: &UsageLimit, used: &WindowUsage) {
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
