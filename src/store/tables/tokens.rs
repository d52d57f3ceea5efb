//! The table `tokens`.

use crate::ledger::{AccountNumber, Amount, IdCodec, InstrumentNumber, Token, TokenNumber, Usage, Validity};

use super::{stored_id, table_columns};
use crate::ledger::Named;
use crate::store::columns::{json_text, token_ids_text};
use crate::store::engine::Row;

/// A token and its id as it is stored.
pub(in crate::store) struct TokenToSave<'a> {
    token: &'a Token,
    stored_id: Option<String>,
}

impl<'a> TokenToSave<'a> {
    pub(in crate::store) fn new(token: &'a Token, ids: IdCodec) -> Self {
        Self { token, stored_id: stored_id(token.id.as_str(), ids.token(token.number).as_str()) }
    }
}

table_columns! {
    tokens: row: TokenToSave<'_>;
    key {
        number = row.token.number.0,
    }
    fixed {
        id = row.stored_id.clone(),
        account = row.token.account.0,
        caller = row.token.caller.0,
        purpose = row.token.purpose.name(),
        token_type = row.token.token_type.name(),
        instrument = row.token.instrument.map(|instrument| instrument.0),
        caller_reference = row.token.caller_reference.clone(),
        friendly_name = row.token.friendly_name.clone(),
        payment_reason = row.token.payment_reason.clone(),
        instruction = row.token.instruction.clone(),
        terms = row.token.terms.as_ref().map(json_text),
        recipients = token_ids_text(&row.token.recipients),
        installed = row.token.installed.millis(),
        valid_from = row.token.validity.from.map(|at| at.millis()),
        valid_until = row.token.validity.until.map(|at| at.millis()),
        min_charge = row.token.min_charge.map(Amount::micros),
        max_charge = row.token.max_charge.map(Amount::micros),
        global_limit = row.token.global_limit.map(Amount::micros),
        limits = json_text(&row.token.limits),
    }
    updated {
        active = i64::from(row.token.active),
        method = row.token.method.name(),
        uses = row.token.usage.uses,
        spent = row.token.usage.spent.micros(),
        windows = json_text(&row.token.usage.windows),
    }
}

/// Reads a token.
pub(in crate::store) fn read(row: &Row, ids: IdCodec) -> sqlx::Result<Token> {
    let number = TokenNumber(row.try_get("number")?);
    let stored_id: Option<String> = row.try_get("id")?;
    Ok(Token {
        number,
        id: stored_id.map_or_else(|| ids.token(number), Into::into),
        account: AccountNumber(row.try_get("account")?),
        caller: AccountNumber(row.try_get("caller")?),
        purpose: row.text_enum("purpose")?,
        token_type: row.text_enum("token_type")?,
        active: row.boolean("active")?,
        method: row.text_enum("method")?,
        instrument: row.try_get::<Option<i64>, _>("instrument")?.map(InstrumentNumber),
        caller_reference: row.try_get("caller_reference")?,
        friendly_name: row.try_get("friendly_name")?,
        payment_reason: row.try_get("payment_reason")?,
        instruction: row.try_get("instruction")?,
        terms: row.optional_json("terms")?,
        recipients: row.token_ids("recipients")?,
        installed: row.instant("installed")?,
        validity: Validity {
            from: row.optional_instant("valid_from")?,
            until: row.optional_instant("valid_until")?,
        },
        min_charge: row.optional_amount("min_charge")?,
        max_charge: row.optional_amount("max_charge")?,
        global_limit: row.optional_amount("global_limit")?,
        limits: row.json("limits")?,
        usage: Usage {
            uses: row.try_get("uses")?,
            spent: row.amount("spent")?,
            windows: row.json("windows")?,
        },
    })
}
