//! How ledger values stand in columns: whole numbers, text and blobs only.

use std::fmt::Write;

use crate::clock::ClockState;
use crate::error::{Code, FpsError};
use crate::ledger::{
    AccountKind, AccountState, Amount, CbuiStatus, ChargeFeeTo, CsOwner, DescriptorPolicy, IdempotentAction,
    InstrumentKind, LedgerAccountKind, MarketplaceRefundPolicy, Operation, PaymentMethod, Purpose,
    ScheduledStep, SecretName, SoftDescriptorType, Status, StatusChange, StatusCode, SubscriptionStatus,
    Timestamp, TokenId, TokenType,
};

use super::engine::Row;
use super::keys::Standing;

/// A column holds what this version cannot have written.
pub(super) fn corrupt(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("the database holds an unknown value in {column}").into())
}

fn known<T>(value: Option<T>, column: &str) -> sqlx::Result<T> {
    value.ok_or_else(|| corrupt(column))
}

/// The kind of an account of the book.
pub(super) fn kind(name: &str) -> sqlx::Result<LedgerAccountKind> {
    known(LedgerAccountKind::ALL.iter().copied().find(|kind| kind.name() == name), "kind")
}

/// A secret.
pub(super) fn secret_name(name: &str) -> sqlx::Result<SecretName> {
    known(SecretName::ALL.into_iter().find(|secret| secret.name() == name), "secrets.name")
}

/// How visits to the Co-Branded pages end.
pub(super) fn ending(name: Option<String>) -> sqlx::Result<Option<CbuiStatus>> {
    name.map(|name| known(CbuiStatus::named(&name), "access_keys.ending")).transpose()
}

/// Whether the owner of an access key may call.
pub(super) fn standing(name: &str) -> sqlx::Result<Standing> {
    let all = [Standing::Developer, Standing::NotDeveloper, Standing::NotSignedUp];
    known(all.into_iter().find(|standing| standing_name(*standing) == name), "access_keys.standing")
}

/// The name of a standing.
pub(super) const fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Developer => "developer",
        Standing::NotDeveloper => "not-developer",
        Standing::NotSignedUp => "not-signed-up",
    }
}

/// How a clock goes, as whether it stands, and milliseconds.
pub(super) const fn clock(state: ClockState) -> (i64, i64) {
    match state {
        ClockState::Running { ahead_millis } => (0, ahead_millis),
        ClockState::Standing(instant) => (1, instant.millis()),
    }
}

/// Reads back how a clock goes.
pub(super) const fn clock_state(stands: i64, millis: i64) -> ClockState {
    if stands == 0 {
        ClockState::Running { ahead_millis: millis }
    } else {
        ClockState::Standing(Timestamp::from_millis(millis))
    }
}

/// Payment methods as text: `CC,ACH`.
pub(super) fn methods_text(methods: &[PaymentMethod]) -> String {
    methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(",")
}

/// The recipient tokens of a sender token as JSON, if it names any.
pub(super) fn token_ids_text(ids: &[TokenId]) -> Option<String> {
    let ids: Vec<&str> = ids.iter().map(TokenId::as_str).collect();
    if ids.is_empty() { None } else { serde_json::to_string(&ids).ok() }
}

/// A step of due work.
pub(super) fn step(name: &str) -> sqlx::Result<ScheduledStep> {
    match name {
        "complete" => Ok(ScheduledStep::Complete),
        "expire" => Ok(ScheduledStep::Expire),
        "decline" => Ok(ScheduledStep::Decline),
        "lack-funds" => Ok(ScheduledStep::LackFunds),
        "lapse" => Ok(ScheduledStep::Lapse),
        _ => Err(corrupt("due.step")),
    }
}

/// The name of a step of due work.
pub(super) const fn step_name(step: ScheduledStep) -> &'static str {
    match step {
        ScheduledStep::Complete => "complete",
        ScheduledStep::Expire => "expire",
        ScheduledStep::Decline => "decline",
        ScheduledStep::LackFunds => "lack-funds",
        ScheduledStep::Lapse => "lapse",
    }
}

/// The name of a kind of account.
pub(super) const fn account_kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Personal => "personal",
        AccountKind::Business => "business",
    }
}

/// The name of a state of an account.
pub(super) const fn account_state_name(state: AccountState) -> &'static str {
    match state {
        AccountState::Active => "active",
        AccountState::EmailUnverified => "email-unverified",
        AccountState::Unverified => "unverified",
        AccountState::BankUnverified => "bank-unverified",
        AccountState::Denied => "denied",
        AccountState::Suspended => "suspended",
        AccountState::Closed => "closed",
    }
}

/// A history as text: `Pending/PendingNetworkResponse@1254808208010 Success/Success@…`, oldest first.
pub(super) fn history_text(history: &[StatusChange]) -> String {
    let mut text = String::with_capacity(history.len() * 40);
    for stage in history {
        let separator = if text.is_empty() { "" } else { " " };
        let _ =
            write!(text, "{separator}{}/{}@{}", stage.status.name(), stage.code.name(), stage.at.millis());
    }
    text
}

fn history(text: &str) -> Option<Vec<StatusChange>> {
    text.split(' ')
        .map(|entry| {
            let (state, at) = entry.split_once('@')?;
            let (status, code) = state.split_once('/')?;
            Some(StatusChange {
                at: Timestamp::from_millis(at.parse().ok()?),
                status: Status::named(status)?,
                code: StatusCode::named(code)?,
            })
        })
        .collect()
}

/// A descriptor policy as text: `Dynamic/Caller`.
pub(super) fn descriptor_text(policy: DescriptorPolicy) -> String {
    format!("{}/{}", policy.soft_descriptor.name(), policy.owner.name())
}

/// Reading typed values out of a row.
pub(super) trait Cell {
    fn text(&self, column: &str) -> sqlx::Result<String>;
    fn amount(&self, column: &str) -> sqlx::Result<Amount>;
    fn optional_amount(&self, column: &str) -> sqlx::Result<Option<Amount>>;
    fn instant(&self, column: &str) -> sqlx::Result<Option<Timestamp>>;
    fn flag(&self, column: &str) -> sqlx::Result<bool>;

    fn status(&self, column: &str) -> sqlx::Result<Status> {
        known(Status::named(&self.text(column)?), column)
    }

    fn operation(&self, column: &str) -> sqlx::Result<Operation> {
        known(Operation::named(&self.text(column)?), column)
    }

    fn referenced_action(&self, column: &str) -> sqlx::Result<IdempotentAction> {
        known(IdempotentAction::named(&self.text(column)?), column)
    }

    fn method(&self, column: &str) -> sqlx::Result<PaymentMethod> {
        known(PaymentMethod::named(&self.text(column)?), column)
    }

    fn instrument_kind(&self, column: &str) -> sqlx::Result<InstrumentKind> {
        known(InstrumentKind::named(&self.text(column)?), column)
    }

    fn subscription_status(&self, column: &str) -> sqlx::Result<SubscriptionStatus> {
        known(SubscriptionStatus::named(&self.text(column)?), column)
    }

    fn purpose(&self, column: &str) -> sqlx::Result<Purpose> {
        known(Purpose::named(&self.text(column)?), column)
    }

    fn token_type(&self, column: &str) -> sqlx::Result<TokenType> {
        known(TokenType::named(&self.text(column)?), column)
    }

    fn charge_fee_to(&self, column: &str) -> sqlx::Result<ChargeFeeTo> {
        known(ChargeFeeTo::named(&self.text(column)?), column)
    }

    fn history(&self, column: &str) -> sqlx::Result<Vec<StatusChange>> {
        known(history(&self.text(column)?), column)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> sqlx::Result<T> {
        known(serde_json::from_str(&self.text(column)?).ok(), column)
    }

    fn account_kind(&self, column: &str) -> sqlx::Result<AccountKind> {
        let name = self.text(column)?;
        let all = [AccountKind::Personal, AccountKind::Business];
        known(all.into_iter().find(|kind| account_kind_name(*kind) == name), column)
    }

    fn account_state(&self, column: &str) -> sqlx::Result<AccountState> {
        let name = self.text(column)?;
        let all = [
            AccountState::Active,
            AccountState::EmailUnverified,
            AccountState::Unverified,
            AccountState::BankUnverified,
            AccountState::Denied,
            AccountState::Suspended,
            AccountState::Closed,
        ];
        known(all.into_iter().find(|state| account_state_name(*state) == name), column)
    }

    fn methods(&self, column: &str) -> sqlx::Result<Vec<PaymentMethod>> {
        let text = self.text(column)?;
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(|name| known(PaymentMethod::named(name), column)).collect()
    }

    fn token_ids(&self, column: &str) -> sqlx::Result<Vec<TokenId>> {
        let ids: Option<Vec<String>> = self.optional_json(column)?;
        Ok(ids.unwrap_or_default().into_iter().map(TokenId::from).collect())
    }

    fn descriptor_policy(&self, column: &str) -> sqlx::Result<Option<DescriptorPolicy>>;

    fn refund_policy(&self, column: &str) -> sqlx::Result<Option<MarketplaceRefundPolicy>>;

    fn optional_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> sqlx::Result<Option<T>>;

    fn refusal(&self, code: &str, message: &str) -> sqlx::Result<FpsError>;
}

impl Cell for Row {
    fn text(&self, column: &str) -> sqlx::Result<String> {
        self.try_get(column)
    }

    fn amount(&self, column: &str) -> sqlx::Result<Amount> {
        self.try_get(column).map(Amount::from_micros)
    }

    fn optional_amount(&self, column: &str) -> sqlx::Result<Option<Amount>> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Amount::from_micros))
    }

    fn instant(&self, column: &str) -> sqlx::Result<Option<Timestamp>> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
    }

    fn flag(&self, column: &str) -> sqlx::Result<bool> {
        Ok(self.try_get::<i64, _>(column)? != 0)
    }

    fn descriptor_policy(&self, column: &str) -> sqlx::Result<Option<DescriptorPolicy>> {
        let Some(text) = self.try_get::<Option<String>, _>(column)? else { return Ok(None) };
        let (soft_descriptor, owner) = known(text.split_once('/'), column)?;
        Ok(Some(DescriptorPolicy {
            soft_descriptor: known(SoftDescriptorType::named(soft_descriptor), column)?,
            owner: known(CsOwner::named(owner), column)?,
        }))
    }

    fn refund_policy(&self, column: &str) -> sqlx::Result<Option<MarketplaceRefundPolicy>> {
        let name = self.try_get::<Option<String>, _>(column)?;
        name.map(|name| known(MarketplaceRefundPolicy::named(&name), column)).transpose()
    }

    fn optional_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> sqlx::Result<Option<T>> {
        let text = self.try_get::<Option<String>, _>(column)?;
        text.map(|text| known(serde_json::from_str(&text).ok(), column)).transpose()
    }

    fn refusal(&self, code: &str, message: &str) -> sqlx::Result<FpsError> {
        let name: String = self.try_get(code)?;
        Ok(FpsError::new(known(Code::named(&name), code)?, self.try_get::<String, _>(message)?))
    }
}
