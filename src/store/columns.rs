//! How ledger values are stored in columns: as integers, text and blobs only.

use std::fmt::Write;

use crate::clock::ClockState;
use crate::error::{Code, FpsError};
use crate::ledger::{
    Amount, CsOwner, DescriptorPolicy, Named, PaymentMethod, SoftDescriptorType, Status, StatusChange,
    StatusCode, Timestamp, TokenId,
};

use super::engine::Row;

/// The error for a column value that this version of the program cannot have written.
pub(super) fn corrupt(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("the database holds an unknown value in {column}").into())
}

fn require<T>(value: Option<T>, column: &str) -> sqlx::Result<T> {
    value.ok_or_else(|| corrupt(column))
}

/// The columns `clock_stands` and `clock_millis` of a clock state.
pub(super) const fn clock_columns(state: ClockState) -> (i64, i64) {
    match state {
        ClockState::Running { offset_millis } => (0, offset_millis),
        ClockState::Frozen(instant) => (1, instant.millis()),
    }
}

/// The clock state that the columns `clock_stands` and `clock_millis` hold.
pub(super) const fn clock_state(stands: i64, millis: i64) -> ClockState {
    if stands == 0 {
        ClockState::Running { offset_millis: millis }
    } else {
        ClockState::Frozen(Timestamp::from_millis(millis))
    }
}

/// A list of payment methods as text: `CC,ACH`.
pub(super) fn methods_text(methods: &[PaymentMethod]) -> String {
    methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(",")
}

/// A list of token ids as JSON; `None` for an empty list.
pub(super) fn token_ids_text(ids: &[TokenId]) -> Option<String> {
    let ids: Vec<&str> = ids.iter().map(TokenId::as_str).collect();
    if ids.is_empty() { None } else { serde_json::to_string(&ids).ok() }
}

/// A value as JSON.
pub(super) fn json_text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A status history as text, oldest first: `Pending/PendingNetworkResponse@1254808208010 Success/Success@…`.
pub(super) fn history_text(history: &[StatusChange]) -> String {
    let mut text = String::with_capacity(history.len() * 40);
    for change in history {
        let separator = if text.is_empty() { "" } else { " " };
        let (status, code) = (change.status.name(), change.code.name());
        let _ = write!(text, "{separator}{status}/{code}@{}", change.at.millis());
    }
    text
}

fn parse_history(text: &str) -> Option<Vec<StatusChange>> {
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
pub(super) fn descriptor_policy_text(policy: DescriptorPolicy) -> String {
    format!("{}/{}", policy.soft_descriptor.name(), policy.owner.name())
}

/// Typed reads. Each fails on a value that this version of the program cannot have written.
impl Row {
    /// An enum that is stored as text.
    pub(super) fn text_enum<T: Named>(&self, column: &str) -> sqlx::Result<T> {
        let text: String = self.try_get(column)?;
        require(T::named(&text), column)
    }

    /// The same of a column that may be NULL.
    pub(super) fn optional_text_enum<T: Named>(&self, column: &str) -> sqlx::Result<Option<T>> {
        let text: Option<String> = self.try_get(column)?;
        text.map(|text| require(T::named(&text), column)).transpose()
    }

    pub(super) fn amount(&self, column: &str) -> sqlx::Result<Amount> {
        self.try_get(column).map(Amount::from_micros)
    }

    pub(super) fn optional_amount(&self, column: &str) -> sqlx::Result<Option<Amount>> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Amount::from_micros))
    }

    pub(super) fn instant(&self, column: &str) -> sqlx::Result<Timestamp> {
        self.try_get(column).map(Timestamp::from_millis)
    }

    pub(super) fn optional_instant(&self, column: &str) -> sqlx::Result<Option<Timestamp>> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn boolean(&self, column: &str) -> sqlx::Result<bool> {
        Ok(self.try_get::<i64, _>(column)? != 0)
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> sqlx::Result<T> {
        let text: String = self.try_get(column)?;
        require(serde_json::from_str(&text).ok(), column)
    }

    pub(super) fn optional_json<T: serde::de::DeserializeOwned>(
        &self,
        column: &str,
    ) -> sqlx::Result<Option<T>> {
        let text: Option<String> = self.try_get(column)?;
        text.map(|text| require(serde_json::from_str(&text).ok(), column)).transpose()
    }

    /// A status history, as [`history_text`] writes it.
    pub(super) fn history(&self, column: &str) -> sqlx::Result<Vec<StatusChange>> {
        let text: String = self.try_get(column)?;
        require(parse_history(&text), column)
    }

    /// A list of payment methods, as [`methods_text`] writes it.
    pub(super) fn methods(&self, column: &str) -> sqlx::Result<Vec<PaymentMethod>> {
        let text: String = self.try_get(column)?;
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(|name| require(PaymentMethod::named(name), column)).collect()
    }

    /// A list of token ids, as [`token_ids_text`] writes it.
    pub(super) fn token_ids(&self, column: &str) -> sqlx::Result<Vec<TokenId>> {
        let ids: Option<Vec<String>> = self.optional_json(column)?;
        Ok(ids.unwrap_or_default().into_iter().map(TokenId::from).collect())
    }

    /// A descriptor policy, as [`descriptor_policy_text`] writes it.
    pub(super) fn descriptor_policy(&self, column: &str) -> sqlx::Result<Option<DescriptorPolicy>> {
        let Some(text) = self.try_get::<Option<String>, _>(column)? else { return Ok(None) };
        let (soft_descriptor, owner) = require(text.split_once('/'), column)?;
        Ok(Some(DescriptorPolicy {
            soft_descriptor: require(SoftDescriptorType::named(soft_descriptor), column)?,
            owner: require(CsOwner::named(owner), column)?,
        }))
    }

    /// An FPS error, from the columns of its code and its message.
    pub(super) fn fps_error(&self, code_column: &str, message_column: &str) -> sqlx::Result<FpsError> {
        let code: Code = self.text_enum(code_column)?;
        Ok(FpsError::new(code, self.try_get::<String, _>(message_column)?))
    }
}
