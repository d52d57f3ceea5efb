//! What a merchant asks to have authorised on the Co-Branded pages, and its rules (guide: the pages of the seven
//! pipelines).

use super::Context;
use super::account::{Account, AccountKind, AccountState};
use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, InstrumentId, InstrumentNumber, TokenId, TokenNumber};
use super::instrument::{Instrument, InstrumentKind, Validity};
use super::read_set::ReadSet;
use super::token::{Purpose, RecipientTerms, Token, TokenType, Usage, UsageLimit};
use super::transaction::PaymentMethod;

/// What a merchant asks somebody to authorise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The merchant.
    pub caller: AccountNumber,
    /// The payment methods that he takes, preferred ones first.
    pub methods: Vec<PaymentMethod>,
    /// What it is for.
    pub reason: Option<String>,
    /// When what is made may be used.
    pub validity: Validity,
    /// What is asked for.
    pub request: TokenRequest,
}

/// What a proposal asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A sender token.
    Payments(Payments),
    /// A recipient's consent, and the right to refund what it receives.
    Receiving {
        /// The reference of the recipient token.
        reference: String,
        /// The reference of the refund token. Without one that token has `reference` too, where it is never found
        /// before the recipient token.
        refund_reference: Option<String>,
        /// On what terms.
        terms: RecipientTerms,
    },
    /// A prepaid instrument.
    Prepaid {
        /// The reference of the token that pays with it.
        sender_reference: String,
        /// The reference of the token that funds it.
        funding_reference: String,
        /// The highest balance.
        most: Amount,
    },
    /// A credit instrument.
    Postpaid(Credit),
    /// Another payment method for a token.
    Edit {
        /// Which.
        token: TokenId,
    },
}

/// What one charge has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeRange {
    /// At least.
    pub min: Option<Amount>,
    /// At most.
    pub max: Option<Amount>,
}

/// What a sender token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    /// Its reference.
    pub reference: String,
    /// How often it may be used.
    pub token_type: TokenType,
    /// What one charge has to be.
    pub charges: ChargeRange,
    /// What all charges may be.
    pub global_limit: Option<Amount>,
    /// Further limits.
    pub limits: Vec<UsageLimit>,
    /// Which recipient tokens it pays; none = the caller and any.
    pub recipients: Vec<TokenId>,
    /// Whether the payment is to be reserved first.
    pub reserves: bool,
}

/// What a credit instrument and its tokens allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The reference of the token that makes debt.
    pub sender_reference: String,
    /// The reference of the token that settles it.
    pub settlement_reference: String,
    /// The highest debt.
    pub credit_limit: Amount,
    /// What all settlements may be.
    pub settlement_limit: Amount,
    /// What one charge on credit has to be (our choice of the token it binds).
    pub charges: ChargeRange,
    /// Further limits on charges (our choice of the token they bind).
    pub limits: Vec<UsageLimit>,
}

/// Why a proposal comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalError {
    /// This parameter is not well-formed (CE).
    IllFormed(&'static str),
    /// This parameter names a reference under which there is a token (CE; our choice).
    ReferenceUsed(&'static str),
    /// The visitor has none of the payment methods asked for (PE).
    NoMethod,
    /// The visitor cannot take part, and why (NP).
    NotPossible(&'static str),
    /// The caller is not registered for it (NM).
    NotRegistered,
}

/// The ids of an instrument, where there is one, and of tokens.
pub(super) type CreatedIds = (Option<InstrumentId>, Vec<TokenId>);

impl Proposal {
    pub(super) fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        for kind in [AccountKind::Personal, AccountKind::Business] {
            reads.first_accounts(kind);
        }
        for (_, reference) in self.references() {
            reads.tokens_with_instruments_under(self.caller, reference);
        }
        let edited = match &self.request {
            TokenRequest::Edit { token } => Some(token),
            _ => None,
        };
        for id in self.recipients().iter().chain(edited) {
            reads.token(id);
        }
    }

    /// The references under which it makes tokens, with the parameters that give them.
    fn references(&self) -> Vec<(&'static str, &str)> {
        match &self.request {
            TokenRequest::Payments(Payments { reference, .. }) => vec![("callerReference", reference)],
            TokenRequest::Receiving { reference, refund_reference, .. } => {
                let refund = refund_reference.as_deref().map(|refund| ("callerReferenceRefund", refund));
                std::iter::once(("callerReference", reference.as_str())).chain(refund).collect()
            }
            TokenRequest::Prepaid { sender_reference, funding_reference, .. } => {
                vec![
                    ("callerReferenceSender", sender_reference),
                    ("callerReferenceFunding", funding_reference),
                ]
            }
            TokenRequest::Postpaid(credit) => vec![
                ("callerReferenceSender", &credit.sender_reference),
                ("callerReferenceSettlement", &credit.settlement_reference),
            ],
            TokenRequest::Edit { .. } => Vec::new(),
        }
    }

    fn recipients(&self) -> &[TokenId] {
        match &self.request {
            TokenRequest::Payments(payments) => &payments.recipients,
            _ => &[],
        }
    }

    /// Whether the visitor agrees to receive, not to pay.
    pub fn is_receiving(&self) -> bool {
        matches!(self.request, TokenRequest::Receiving { .. })
    }

    /// The token to be edited: one that pays real money, made for this caller.
    pub(super) fn token_to_edit<'b>(&self, book: &'b Book) -> Option<&'b Token> {
        let TokenRequest::Edit { token } = &self.request else { return None };
        let pays = |token: &&Token| {
            let real = [Purpose::Payment, Purpose::Settlement, Purpose::Funding];
            token.caller == self.caller && token.active && real.contains(&token.purpose)
        };
        book.token(token).filter(pays)
    }

    /// Whether the merchant may propose this, and what it names is there.
    pub(super) fn check_allowed(&self, book: &Book) -> Result<(), ProposalError> {
        let merchant = book.account(self.caller);
        let registered = merchant.is_some_and(|account| account.state == AccountState::Active);
        let between = self.is_receiving() || !self.recipients().is_empty();
        if !registered || (between && !merchant.is_some_and(|account| account.marketplace)) {
            return Err(ProposalError::NotRegistered);
        }
        if matches!(self.request, TokenRequest::Edit { .. }) && self.token_to_edit(book).is_none() {
            return Err(ProposalError::IllFormed("tokenId"));
        }
        let receives = |id: &TokenId| {
            let token = book.token(id);
            token.is_some_and(|token| token.caller == self.caller && token.purpose.receives())
        };
        let several =
            matches!(&self.request, TokenRequest::Payments(Payments { token_type: TokenType::MultiUse, .. }));
        let parameter = if several { "recipientTokenList" } else { "recipientToken" };
        if !self.recipients().iter().all(receives) {
            return Err(ProposalError::IllFormed(parameter));
        }
        match &self.references()[..] {
            [(_, first), (second, again)] if first == again => Err(ProposalError::IllFormed(second)),
            _ => Ok(()),
        }
    }

    /// Whether its references are new.
    pub(super) fn check_references_unused(&self, book: &Book) -> Result<(), ProposalError> {
        let used = |reference| book.tokens_under(self.caller, reference).next().is_some();
        let first = self.references().into_iter().find(|(_, reference)| used(reference));
        first.map_or(Ok(()), |(parameter, _)| Err(ProposalError::ReferenceUsed(parameter)))
    }

    /// Some accounts that could be the visitor's: buyers first, or merchants where one is to receive.
    pub(super) fn candidates<'b>(&self, book: &'b Book) -> impl Iterator<Item = &'b Account> + Clone {
        let (caller, owner) = (self.caller, self.token_to_edit(book).map(|token| token.account));
        let kinds = if self.is_receiving() {
            [AccountKind::Business, AccountKind::Personal]
        } else {
            [AccountKind::Personal, AccountKind::Business]
        };
        kinds
            .into_iter()
            .flat_map(move |kind| book.first_accounts(kind).unwrap_or_default())
            .filter_map(|number| book.account(*number))
            .filter(move |account| account.number != caller)
            .filter(move |account| owner.is_none_or(|owner| owner == account.number))
    }

    /// The account that a visitor without one would get.
    pub(super) fn new_account(&self, email: &str) -> Account {
        let name = email.split('@').next().unwrap_or_default();
        Account {
            number: AccountNumber(0),
            name: name.to_owned(),
            email: email.to_owned(),
            kind: if self.is_receiving() { AccountKind::Business } else { AccountKind::Personal },
            state: AccountState::Active,
            marketplace: false,
            methods: Account::METHODS.into(),
            transaction_limit: None,
        }
    }

    /// The methods that merchant and visitor have in common, if the visitor can take part at all.
    pub(super) fn methods_for(
        &self,
        book: &Book,
        visitor: &Account,
    ) -> Result<Vec<PaymentMethod>, ProposalError> {
        let no = |reason| Err(ProposalError::NotPossible(reason));
        let receives = |id: &TokenId| book.token(id).is_some_and(|token| token.account == visitor.number);
        if visitor.number == self.caller || self.recipients().iter().any(receives) {
            return no("The sender and the recipient are the same");
        }
        match visitor.state {
            // The rest shows when he pays.
            AccountState::Active
            | AccountState::Unverified
            | AccountState::BankUnverified
            | AccountState::Denied => {}
            AccountState::EmailUnverified => return no("The e-mail address of the account is not verified"),
            AccountState::Suspended | AccountState::Closed => return no("The account is not in use"),
        }
        if self.token_to_edit(book).is_some_and(|token| token.account != visitor.number) {
            return no("The token belongs to another account");
        }
        if self.is_receiving() {
            let cards = self.methods.contains(&PaymentMethod::CC);
            if cards && visitor.kind == AccountKind::Personal {
                return no("A personal account cannot take credit cards");
            }
            return Ok(self.methods.clone());
        }
        let both: Vec<_> =
            self.methods.iter().copied().filter(|method| visitor.methods.contains(method)).collect();
        if both.is_empty() { Err(ProposalError::NoMethod) } else { Ok(both) }
    }

    /// The tokens it makes, without their numbers, ids and instrument.
    pub(super) fn drafts(
        &self,
        account: AccountNumber,
        method: PaymentMethod,
        context: &Context<'_>,
    ) -> Vec<Token> {
        let draft = |purpose, token_type: TokenType, method, reference: &str| {
            let kept = token_type.validity(context.now);
            Token {
                number: TokenNumber(0),
                id: TokenId::from(""),
                account,
                caller: self.caller,
                purpose,
                token_type,
                active: true,
                method,
                instrument: None,
                caller_reference: reference.to_owned(),
                friendly_name: String::new(),
                payment_reason: self.reason.clone(),
                instruction: None,
                terms: None,
                recipients: Vec::new(),
                installed: context.now,
                validity: Validity { until: self.validity.until.or(kept.until), ..self.validity },
                min_charge: None,
                max_charge: None,
                global_limit: None,
                limits: Vec::new(),
                usage: Usage::default(),
            }
        };
        let many = TokenType::MultiUse;
        match &self.request {
            TokenRequest::Payments(asked) => vec![Token {
                recipients: asked.recipients.clone(),
                min_charge: asked.charges.min,
                max_charge: asked.charges.max,
                global_limit: asked.global_limit,
                limits: asked.limits.clone(),
                ..draft(Purpose::Payment, asked.token_type, method, &asked.reference)
            }],
            TokenRequest::Receiving { reference, refund_reference, terms } => vec![
                Token {
                    terms: Some(*terms),
                    ..draft(Purpose::Recipient, many, PaymentMethod::ABT, reference)
                },
                draft(
                    Purpose::Refund,
                    many,
                    PaymentMethod::ABT,
                    refund_reference.as_ref().unwrap_or(reference),
                ),
            ],
            TokenRequest::Prepaid { sender_reference, funding_reference, .. } => vec![
                draft(Purpose::Prepaid, many, PaymentMethod::Prepaid, sender_reference),
                draft(Purpose::Funding, many, method, funding_reference),
            ],
            TokenRequest::Postpaid(asked) => vec![
                Token {
                    min_charge: asked.charges.min,
                    max_charge: asked.charges.max,
                    limits: asked.limits.clone(),
                    ..draft(Purpose::Credit, many, PaymentMethod::Debt, &asked.sender_reference)
                },
                Token {
                    global_limit: Some(asked.settlement_limit),
                    ..draft(Purpose::Settlement, many, method, &asked.settlement_reference)
                },
            ],
            TokenRequest::Edit { .. } => Vec::new(),
        }
    }

    /// The instrument it makes, and what that may carry.
    fn instrument(&self) -> Option<(InstrumentKind, Amount)> {
        match &self.request {
            TokenRequest::Prepaid { most, .. } => Some((InstrumentKind::Prepaid, *most)),
            TokenRequest::Postpaid(credit) => Some((InstrumentKind::Credit, credit.credit_limit)),
            _ => None,
        }
    }

    /// What was made when the same visitor agreed to the same before. A reference that stands for anything else is
    /// used.
    pub(super) fn find_existing(
        &self,
        book: &Book,
        drafts: &[Token],
    ) -> Result<Option<CreatedIds>, ProposalError> {
        let references = self.references();
        let found: Vec<&Token> =
            references.iter().flat_map(|(_, reference)| book.tokens_under(self.caller, reference)).collect();
        let instrument = found.first().and_then(|token| book.instrument_row(token.instrument?));
        let carries = instrument.map(|found| (found.kind, found.ceiling)) == self.instrument();
        // Without an end of its own, that depends on the instant.
        let ends =
            |token: &Token| self.validity.until.is_none_or(|until| token.validity.until == Some(until));
        let same = found.len() == drafts.len()
            && found.iter().zip(drafts).all(|(found, draft)| found.allows_the_same(draft) && ends(found));
        // What is made at once has numbers that follow each other; references of two earlier visits do not.
        let made_at_once = found.windows(2).all(|pair| match pair {
            [one, next] => next.number.0 == one.number.0 + 1,
            _ => true,
        });
        if same && made_at_once && carries {
            let ids = found.iter().map(|token| token.id.clone()).collect();
            return Ok(Some((instrument.map(|found| found.id.clone()), ids)));
        }
        self.check_references_unused(book).map(|()| None)
    }

    /// Makes everything that it asks for.
    pub(super) fn create(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        account: AccountNumber,
        drafts: Vec<Token>,
    ) -> CreatedIds {
        let instrument = self.instrument().map(|(kind, ceiling)| {
            let number = InstrumentNumber(context.numbering.number());
            let id = context.numbering.ids.instrument(number);
            book.add_instrument(Instrument {
                number,
                id: id.clone(),
                kind,
                sender: account,
                recipient: self.caller,
                ceiling,
                validity: self.validity,
                active: true,
            });
            (number, id)
        });
        let tokens = drafts.into_iter().map(|draft| {
            let number = TokenNumber(context.numbering.number());
            let id = context.numbering.ids.token(number);
            let instrument = instrument.as_ref().map(|(number, _)| *number);
            book.add_token(Token { number, id: id.clone(), account, instrument, ..draft });
            id
        });
        let tokens = tokens.collect();
        (instrument.map(|(_, id)| id), tokens)
    }
}

impl Token {
    /// Whether it is as good as this draft: the same parties, references, purpose and limits.
    fn allows_the_same(&self, draft: &Self) -> bool {
        let terms = |token: &Self| {
            (
                (token.account, token.caller, token.purpose, token.token_type, token.active, token.method),
                (token.min_charge, token.max_charge, token.global_limit, token.limits.clone()),
                (token.payment_reason.clone(), token.terms, token.recipients.clone(), token.validity.from),
                token.caller_reference.clone(),
            )
        };
        terms(self) == terms(draft)
    }
}
