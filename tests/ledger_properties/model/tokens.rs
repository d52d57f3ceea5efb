//! Tokens: usage limits, installation, editing and cancellation.

use fps_sandbox::ledger::PaymentMethod;

use crate::history::{ActionResult, Selector};
use crate::world::{self, DAY, DailyLimit, HOUR, INSTALLED, Party, TokenPurpose};

use super::{CENT, Model, ModelResult, select};

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) rules: world::Token,
    /// The caller reference of the token.
    reference: String,
    /// The text of an installed token.
    text: Option<u8>,
}

impl From<world::Token> for Token {
    fn from(rules: world::Token) -> Self {
        Self { reference: rules.id.to_owned(), rules, text: None }
    }
}

impl Token {
    pub(super) fn check_sender_token_active(&self) -> ModelResult<()> {
        if self.rules.cancelled { Err("TokenNotActive_Sender") } else { Ok(()) }
    }

    /// The payment method, if the token pays real money.
    pub(crate) const fn method(&self) -> Option<PaymentMethod> {
        match self.rules.purpose {
            TokenPurpose::Payment(method)
            | TokenPurpose::Settlement(_, method)
            | TokenPurpose::Funding(_, method) => Some(method),
            TokenPurpose::Credit(_)
            | TokenPurpose::Prepaid(_)
            | TokenPurpose::Recipient(_)
            | TokenPurpose::Refund
            | TokenPurpose::Installed => None,
        }
    }

    const fn pay_by(&mut self, by: PaymentMethod) {
        match &mut self.rules.purpose {
            TokenPurpose::Payment(method)
            | TokenPurpose::Settlement(_, method)
            | TokenPurpose::Funding(_, method) => *method = by,
            TokenPurpose::Credit(_)
            | TokenPurpose::Prepaid(_)
            | TokenPurpose::Recipient(_)
            | TokenPurpose::Refund
            | TokenPurpose::Installed => {}
        }
    }
}

/// One use of a token. It is removed when the transaction fails or is cancelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenUse {
    token: usize,
    at: i64,
    amount: i64,
    /// The index of the transaction.
    pub(super) by: usize,
}

/// The day of usage limits that contains an instant.
const fn day(at: i64) -> i64 {
    (at - INSTALLED) / DAY
}

impl Model {
    /// Finds a token that this caller has installed.
    pub(super) fn sender_token(&self, party: Party, selector: Selector) -> ModelResult<usize> {
        let (index, token) = select(&self.tokens, selector, "InvalidTokenId_Sender")?;
        if token.rules.caller == party { Ok(index) } else { Err("IncompatibleTokens") }
    }

    pub(super) fn check_token_expiry(&self, token: &Token) -> ModelResult<()> {
        let ended = token.rules.expires.is_some_and(|end| self.now >= end);
        if ended { Err("IncompatibleTokens") } else { Ok(()) }
    }

    pub(super) fn change_token_usage(&mut self, token: usize, amount: i64) {
        self.uses.push(TokenUse { token, at: self.now, amount, by: self.transactions.len() });
    }

    /// The number of uses of a token and the total amount.
    pub(crate) fn used(&self, token: usize) -> (i64, i64) {
        let uses = || self.uses.iter().filter(|used| used.token == token);
        (uses().count() as i64, uses().map(|used| used.amount).sum())
    }

    /// The number of uses today and their total amount.
    fn used_today(&self, token: usize) -> (i64, i64) {
        let today = |used: &&TokenUse| used.token == token && day(used.at) == day(self.now);
        let uses = || self.uses.iter().filter(today);
        (uses().count() as i64, uses().map(|used| used.amount).sum())
    }

    pub(super) fn check_usage_limits(&self, index: usize, amount: i64) -> ModelResult<()> {
        let rules = &self.tokens[index].rules;
        let ((uses, spent), (uses_today, spent_today)) = (self.used(index), self.used_today(index));
        let used_up = rules.single_use && uses > 0;
        let over_all = rules.global_cents.is_some_and(|max| spent + amount > max * CENT);
        let over_day = match rules.daily {
            Some(DailyLimit::Cents(max)) => spent_today + amount > max * CENT,
            Some(DailyLimit::Times(max)) => uses_today + 1 > max,
            None => false,
        };
        if used_up || over_all || over_day { Err("TokenUsageError") } else { Ok(()) }
    }

    /// The used part of the daily limit of a token.
    pub(super) fn token_usage(&self, party: Party, selector: Selector) -> ModelResult<ActionResult> {
        let (index, token) = select(&self.tokens, selector, "InvalidTokenId")?;
        if party != token.rules.caller && party != token.rules.owner {
            return Err("TokenAccessDenied");
        }
        if token.rules.single_use {
            return Err("InvalidTokenType");
        }
        let (uses, spent) = self.used_today(index);
        let of_limit = token.rules.daily.map(|daily| match daily {
            DailyLimit::Cents(_) => spent,
            DailyLimit::Times(_) => uses,
        });
        Ok(ActionResult::Usage(of_limit.into_iter().collect()))
    }

    pub(super) fn cancel_token(&mut self, party: Party, selector: Selector) -> ModelResult<ActionResult> {
        let (index, token) = select(&self.tokens, selector, "InvalidTokenId")?;
        if token.rules.caller != party {
            return Err("TokenAccessDenied");
        }
        if party.is_suspended() {
            return Err("InvalidAccountState");
        }
        if token.rules.cancelled {
            return Err("TokenNotActive");
        }
        self.tokens[index].rules.cancelled = true;
        Ok(ActionResult::Done)
    }

    /// Installs a token on the account of the caller. A repeated request gets the same token.
    pub(super) fn install(
        &mut self,
        party: Party,
        reference: &str,
        text: u8,
        single_use: bool,
    ) -> ModelResult<ActionResult> {
        let existing = self
            .tokens
            .iter()
            .position(|existing| existing.rules.caller == party && existing.reference == reference);
        if let Some(index) = existing {
            let existing = &self.tokens[index];
            let same = existing.text == Some(text) && existing.rules.single_use == single_use;
            return if same { Ok(ActionResult::Token(index)) } else { Err("DuplicateRequest") };
        }
        if party.is_suspended() {
            return Err("InvalidAccountState");
        }
        let rules = world::Token {
            single_use,
            expires: single_use.then_some(self.now + 3 * HOUR),
            ..world::token("", party, party, TokenPurpose::Installed)
        };
        self.tokens.push(Token { rules, reference: reference.to_owned(), text: Some(text) });
        Ok(ActionResult::Token(self.tokens.len() - 1))
    }

    /// Changes the payment method of a token to one that the merchant offers and the owner has. Errors are the statuses of
    /// return URLs.
    pub(super) fn edit(
        &mut self,
        party: Party,
        selector: Selector,
        visitor: Option<Party>,
        offered: &[PaymentMethod],
        chosen: Option<PaymentMethod>,
    ) -> ModelResult<ActionResult> {
        if party.is_suspended() {
            return Err("NM");
        }
        let (index, token) = select(&self.tokens, selector, "CE").map_err(|_| "CE")?;
        let current = token.method().filter(|_| token.rules.caller == party && !token.rules.cancelled);
        let current = current.ok_or("CE")?;
        let visitor = visitor.unwrap_or(token.rules.owner);
        if visitor != token.rules.owner || visitor == party || visitor.is_suspended() {
            return Err("NP");
        }
        let both = |method: &&PaymentMethod| visitor.methods().contains(method);
        let suits = |method: &&PaymentMethod| chosen.is_none_or(|chosen| **method == chosen);
        let method = *offered.iter().filter(both).find(suits).ok_or("PE")?;
        self.tokens[index].pay_by(method);
        Ok(ActionResult::Edited { method, changed: method != current })
    }
}
