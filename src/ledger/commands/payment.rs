//! Pay and Reserve: who pays whom, by which tokens, and with which fees (guide: Pay, Reserve).

use rust_decimal::Decimal;

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::Context;
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::{AccountNumber, TokenId, TransactionNumber};
use crate::ledger::instrument::Instrument;
use crate::ledger::lifecycle::{self, PendingTimeout};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::token::{RecipientTerms, Token};
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::{ChargeFeeTo, Operation, Transaction};

/// A Pay or Reserve request.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The caller.
    pub caller: AccountNumber,
    /// The sender's token.
    pub sender_token: TokenId,
    /// The recipient's token; without one the caller is the recipient.
    pub recipient_token: Option<TokenId>,
    /// The amount.
    pub amount: Amount,
    /// Who pays the FPS fee, if the request says so.
    pub charge_fee_to: Option<ChargeFeeTo>,
    /// The marketplace fee.
    pub marketplace_fee: MarketplaceFee,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
    /// The number of minutes after which a pending payment fails.
    pub timeout_minutes: i64,
}

/// The fee that a marketplace takes from the recipient.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarketplaceFee {
    /// The fixed part, in dollars.
    pub fixed: Option<Amount>,
    /// The variable part, in per cent of the payment's amount.
    pub percent: Option<Decimal>,
}

impl MarketplaceFee {
    fn is_given(&self) -> bool {
        self.fixed.is_some() || self.percent.is_some()
    }

    fn of(&self, amount: Amount) -> Amount {
        amount.percent_plus(self.percent.unwrap_or_default(), self.fixed.unwrap_or_default(), Amount::CENT)
    }
}

/// The recipient of a payment: its account, and the token and terms of a marketplace's recipient.
struct Receiving<'b> {
    account: AccountNumber,
    token: Option<&'b Token>,
    terms: Option<&'b RecipientTerms>,
}

/// A Pay request: money, or debt, moves from sender to recipient (guide: Pay; Using Postpaid Payment Tokens).
#[derive(Clone, Debug)]
pub struct Pay(pub Payment);

/// A Reserve request: a card holds the money until it is settled (guide: Reserve).
#[derive(Clone, Debug)]
pub struct Reserve(pub Payment);

impl IdempotentOperation for Pay {
    fn key(&self) -> IdempotencyKey {
        self.0.key(IdempotentAction::Pay)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        self.0.start(book, context, Operation::Pay)
    }
}

impl IdempotentOperation for Reserve {
    fn key(&self) -> IdempotencyKey {
        self.0.key(IdempotentAction::Reserve)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        self.0.start(book, context, Operation::Reserve)
    }
}

impl Payment {
    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.sender_token);
        if let Some(token) = &self.recipient_token {
            reads.token(token);
        }
    }

    fn key(&self, action: IdempotentAction) -> IdempotencyKey {
        IdempotencyKey::new(self.caller, action, &self.descriptions.caller_reference)
    }

    fn start(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        operation: Operation,
    ) -> Result<TransactionNumber, FpsError> {
        let draft = self.validate(book, context, operation)?;
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.timeout_minutes)))
    }

    /// Checks the request and drafts its transaction. The order of checks is the service's: existence, right of
    /// access, state, compatibility, limits, amounts. The instrument of the sender token is checked after the tokens.
    fn validate(
        &self,
        book: &Book,
        context: &mut Context<'_>,
        operation: Operation,
    ) -> Result<Transaction, FpsError> {
        self.check_marketplace(book)?;
        if self.recipient_token.as_ref() == Some(&self.sender_token) {
            return Err(Code::SameTokenIdUsedMultipleTimes.into());
        }
        context.rules.check_magic_token("SenderTokenId", &self.sender_token)?;
        let token = book.find_sender_token(self.caller, &self.sender_token)?;
        let receiving = self.receiving(book, context)?;
        book.check_parties(token, self.caller, receiving.account)?;
        token.check_sender_token_active()?;
        let instrument = token.instrument.and_then(|number| book.instrument_by_number(number));
        self.check_compatible(token, &receiving, instrument)?;
        if let Some(instrument) = instrument {
            instrument.check_owner(self.caller)?;
            instrument.check_active_and_valid(context.now)?;
        }
        token.check_within_validity(context.now)?;
        if operation == Operation::Reserve && token.method != PaymentMethod::CC {
            return Err(Code::PaymentInstrumentNotCC.into());
        }
        book.check_method(token, receiving.account)?;
        token.check_usage_limits(self.amount, context.now)?;
        book.check_transaction_limits(token, receiving.account, self.amount)?;
        context.rules.check_amount(self.amount, token.method)?;
        token.check_charge(self.amount)?;
        // The fee of a reservation is taken when it is settled, but the party that pays it is fixed now.
        let fee = context.rules.fees.fee(operation, token.method, self.amount);
        let charge_fee_to = self.fee_payer(&receiving);
        let marketplace_fee = self.marketplace_fee.of(self.amount);
        self.check_recipient_liability(&receiving, charge_fee_to, fee, marketplace_fee)?;
        let recipient_token = receiving.token.map(|token| token.number);
        let mut draft = Transaction {
            recipient: receiving.account,
            recipient_token,
            ..context.draft_transaction(self.caller, operation, self.amount, &self.descriptions)
        }
        .paid_with(token)
        .charging(charge_fee_to, fee);
        draft.progress.marketplace_fee = marketplace_fee;
        // Funds come last, because the postings of the complete draft say what they have to cover. An instrument pays
        // from its credit or its balance. A reservation takes no money yet.
        match instrument {
            Some(instrument) => book.check_instrument_capacity(instrument, self.amount)?,
            None if operation == Operation::Reserve => {}
            None => lifecycle::check_balances(book, &draft)?,
        }
        Ok(draft)
    }

    /// Whether the caller may name a recipient or take a marketplace fee, if it does. Only a marketplace may, and it
    /// takes a fee only from a recipient that it names.
    fn check_marketplace(&self, book: &Book) -> Result<(), FpsError> {
        let asked = self.recipient_token.is_some() || self.marketplace_fee.is_given();
        let is_marketplace = book.account(self.caller).is_some_and(|account| account.marketplace);
        if asked && (!is_marketplace || self.recipient_token.is_none()) {
            return Err(Code::NotMarketplaceApp.into());
        }
        Ok(())
    }

    fn receiving<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<Receiving<'b>, FpsError> {
        let Some(id) = &self.recipient_token else {
            return Ok(Receiving { account: self.caller, token: None, terms: None });
        };
        let token = book.find_recipient_token(self.caller, id, context.rules)?;
        if !token.active {
            return Err(Code::TokenNotActive_Recipient.into());
        }
        token.check_within_validity(context.now)?;
        Ok(Receiving { account: token.account, token: Some(token), terms: token.terms.as_ref() })
    }

    /// Whether the rules of the tokens can be met together.
    fn check_compatible(
        &self,
        token: &Token,
        receiving: &Receiving<'_>,
        instrument: Option<&Instrument>,
    ) -> Result<(), FpsError> {
        let clash = |detail| Err(FpsError::incompatible_tokens(detail));
        if !token.purpose.can_pay() {
            return clash(
                "The sender token settles or funds an instrument, or receives; it cannot be used to pay.",
            );
        }
        if instrument.is_some() && receiving.token.is_some() {
            return clash("Prepaid and postpaid instruments pay only their own merchant.");
        }
        let named =
            |token: &Token| self.recipient_token.as_ref().is_some_and(|id| token.recipients.contains(id));
        if !token.recipients.is_empty() && !named(token) {
            // A guide page shows this detail.
            return clash("Assertion Failed for Recipient");
        }
        let contradicts =
            |terms: &&RecipientTerms| self.charge_fee_to.is_some_and(|payer| payer != terms.fee_payer());
        if receiving.terms.is_some_and(|terms| contradicts(&terms)) {
            return clash("ChargeFeeTo contradicts recipientPaysFee of the recipient token.");
        }
        if !self.marketplace_fee.is_given() {
            return Ok(());
        }
        let most = receiving.terms.and_then(|terms| Some((terms.max_fixed_fee?, terms.max_variable_fee?)));
        let Some((fixed, percent)) = most else {
            // The recorded answer has this text alone, without the sentence that precedes the other details.
            let text = "Maximum values of marketplace fees not defined in Recipient token or are unreadable.";
            return Err(FpsError::new(Code::IncompatibleTokens, text));
        };
        if self.marketplace_fee.of(self.amount) > self.amount.percent_plus(percent, fixed, Amount::CENT) {
            return clash("The marketplace fee is above what the recipient token allows.");
        }
        Ok(())
    }

    /// The party that pays FPS's fee: the one that the request names, else the one in the terms of the recipient
    /// token, else the recipient.
    fn fee_payer(&self, receiving: &Receiving<'_>) -> ChargeFeeTo {
        let by_token = receiving.terms.map(RecipientTerms::fee_payer);
        self.charge_fee_to.or(by_token).unwrap_or(ChargeFeeTo::Recipient)
    }

    /// Whether something is left for a marketplace's recipient after the fees that it pays (captured text).
    fn check_recipient_liability(
        &self,
        receiving: &Receiving<'_>,
        payer: ChargeFeeTo,
        fee: Amount,
        marketplace_fee: Amount,
    ) -> Result<(), FpsError> {
        let liability = if payer == ChargeFeeTo::Recipient { fee + marketplace_fee } else { marketplace_fee };
        if receiving.token.is_some() && self.amount <= liability {
            let text = "Transaction amount must be greater than Recipient Fee liability.";
            return Err(FpsError::invalid_params(text));
        }
        Ok(())
    }
}
