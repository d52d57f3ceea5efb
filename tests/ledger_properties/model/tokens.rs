//! Tokens: their limits, and how they are made, edited and cancelled.

use fps_sandbox::ledger::PaymentMethod;

use crate::history::{Answer, Which};
use crate::world::{self, DAY, Daily, HOUR, INSTALLED, Use, Who};

use super::{CENT, Decided, Model, known};

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) rules: world::Token,
    /// The reference under which it was made.
    reference: String,
    /// Of an installed token: its text.
    text: Option<u8>,
}

impl From<world::Token> for Token {
    fn from(rules: world::Token) -> Self {
        Self { reference: rules.id.to_owned(), rules, text: None }
    }
}

impl Token {
    pub(super) fn is_not_cancelled(&self) -> Decided<()> {
        if self.rules.cancelled { Err("TokenNotActive_Sender") } else { Ok(()) }
    }

    /// How it pays real money, if it does.
    pub(crate) const fn method(&self) -> Option<PaymentMethod> {
        match self.rules.purpose {
            Use::Pays(method) | Use::Settles(_, method) | Use::Funds(_, method) => Some(method),
            Use::Charges(_) | Use::Spends(_) | Use::Receives(_) | Use::Refunds | Use::Installed => None,
        }
    }

    const fn pay_by(&mut self, by: PaymentMethod) {
        match &mut self.rules.purpose {
            Use::Pays(method) | Use::Settles(_, method) | Use::Funds(_, method) => *method = by,
            Use::Charges(_) | Use::Spends(_) | Use::Receives(_) | Use::Refunds | Use::Installed => {}
        }
    }
}

/// One use of a token. A use that comes to nothing is forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenUse {
    token: usize,
    at: i64,
    amount: i64,
    /// The transaction.
    pub(super) by: usize,
}

/// The day of usage limits that holds an instant.
const fn day(at: i64) -> i64 {
    (at - INSTALLED) / DAY
}

impl Model {
    /// A token that this caller had made.
    pub(super) fn sender_token(&self, who: Who, which: Which) -> Decided<usize> {
        let (place, token) = known(&self.tokens, which, "InvalidTokenId_Sender")?;
        if token.rules.caller == who { Ok(place) } else { Err("IncompatibleTokens") }
    }

    pub(super) fn is_in_force(&self, token: &Token) -> Decided<()> {
        let ended = token.rules.expires.is_some_and(|end| self.now >= end);
        if ended { Err("IncompatibleTokens") } else { Ok(()) }
    }

    pub(super) fn use_token(&mut self, token: usize, amount: i64) {
        self.uses.push(TokenUse { token, at: self.now, amount, by: self.transactions.len() });
    }

    /// How often a token was used, and for how much in all.
    pub(crate) fn used(&self, token: usize) -> (i64, i64) {
        let uses = || self.uses.iter().filter(|used| used.token == token);
        (uses().count() as i64, uses().map(|used| used.amount).sum())
    }

    /// The same for today.
    fn used_today(&self, token: usize) -> (i64, i64) {
        let today = |used: &&TokenUse| used.token == token && day(used.at) == day(self.now);
        let uses = || self.uses.iter().filter(today);
        (uses().count() as i64, uses().map(|used| used.amount).sum())
    }

    pub(super) fn check_usage_limits(&self, place: usize, amount: i64) -> Decided<()> {
        let rules = &self.tokens[place].rules;
        let ((uses, spent), (uses_today, spent_today)) = (self.used(place), self.used_today(place));
        let used_up = rules.single_use && uses > 0;
        let over_all = rules.global_cents.is_some_and(|most| spent + amount > most * CENT);
        let over_day = match rules.daily {
            Some(Daily::Cents(most)) => spent_today + amount > most * CENT,
            Some(Daily::Times(most)) => uses_today + 1 > most,
            None => false,
        };
        if used_up || over_all || over_day { Err("TokenUsageError") } else { Ok(()) }
    }

    /// What is used of a token's daily limit.
    pub(super) fn token_usage(&self, who: Who, which: Which) -> Decided<Answer> {
        let (place, token) = known(&self.tokens, which, "InvalidTokenId")?;
        if who != token.rules.caller && who != token.rules.owner {
            return Err("TokenAccessDenied");
        }
        if token.rules.single_use {
            return Err("InvalidTokenType");
        }
        let (uses, spent) = self.used_today(place);
        let of_limit = token.rules.daily.map(|daily| match daily {
            Daily::Cents(_) => spent,
            Daily::Times(_) => uses,
        });
        Ok(Answer::Usage(of_limit.into_iter().collect()))
    }

    pub(super) fn cancel_token(&mut self, who: Who, which: Which) -> Decided<Answer> {
        let (place, token) = known(&self.tokens, which, "InvalidTokenId")?;
        if token.rules.caller != who {
            return Err("TokenAccessDenied");
        }
        if who.is_suspended() {
            return Err("InvalidAccountState");
        }
        if token.rules.cancelled {
            return Err("TokenNotActive");
        }
        self.tokens[place].rules.cancelled = true;
        Ok(Answer::Done)
    }

    /// Installs a token on the caller's own account. The same request again gets the same token.
    pub(super) fn install(
        &mut self,
        who: Who,
        reference: &str,
        text: u8,
        single_use: bool,
    ) -> Decided<Answer> {
        let made =
            self.tokens.iter().position(|made| made.rules.caller == who && made.reference == reference);
        if let Some(place) = made {
            let made = &self.tokens[place];
            let same = made.text == Some(text) && made.rules.single_use == single_use;
            return if same { Ok(Answer::Token(place)) } else { Err("DuplicateRequest") };
        }
        if who.is_suspended() {
            return Err("InvalidAccountState");
        }
        let rules = world::Token {
            single_use,
            expires: single_use.then_some(self.now + 3 * HOUR),
            ..world::token("", who, who, Use::Installed)
        };
        self.tokens.push(Token { rules, reference: reference.to_owned(), text: Some(text) });
        Ok(Answer::Token(self.tokens.len() - 1))
    }

    /// The owner of a token that pays real money may choose how it does, among the ways that the merchant offers and that
    /// he has. Refusals are the statuses of return URLs.
    pub(super) fn edit(
        &mut self,
        who: Who,
        which: Which,
        visitor: Option<Who>,
        offered: &[PaymentMethod],
        chosen: Option<PaymentMethod>,
    ) -> Decided<Answer> {
        if who.is_suspended() {
            return Err("NM");
        }
        let (place, token) = known(&self.tokens, which, "CE").map_err(|_| "CE")?;
        let current = token.method().filter(|_| token.rules.caller == who && !token.rules.cancelled);
        let current = current.ok_or("CE")?;
        let visitor = visitor.unwrap_or(token.rules.owner);
        if visitor != token.rules.owner || visitor == who || visitor.is_suspended() {
            return Err("NP");
        }
        let both = |method: &&PaymentMethod| visitor.methods().contains(method);
        let suits = |method: &&PaymentMethod| chosen.is_none_or(|chosen| **method == chosen);
        let method = *offered.iter().filter(both).find(suits).ok_or("PE")?;
        self.tokens[place].pay_by(method);
        Ok(Answer::Edited { method, changed: method != current })
    }
}
