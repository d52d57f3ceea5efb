//! What a merchant asks to have authorised on the Co-Branded pages, and its rules (guide: the pages of the seven
//! pipelines).

mod rules;
mod tokens;

use crate::ledger::account::AccountKind;
use crate::ledger::amount::Amount;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::ids::{AccountNumber, InstrumentId, TokenId};
use crate::ledger::instrument::Validity;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::token::{RecipientTerms, TokenType, UsageLimit};

/// What a merchant asks a buyer or recipient to authorize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The merchant.
    pub caller: AccountNumber,
    /// The payment methods that the merchant accepts, preferred ones first.
    pub methods: Vec<PaymentMethod>,
    /// The purpose.
    pub reason: Option<String>,
    /// The validity of what is made.
    pub validity: Validity,
    /// What is asked for.
    pub request: TokenRequest,
}

/// What a proposal asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A sender token.
    Payments(SenderTokenTerms),
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
        max_balance: Amount,
    },
    /// A credit instrument.
    Postpaid(PostpaidTerms),
    /// Another payment method for a token.
    Edit {
        /// The name of the secret.
        token: TokenId,
    },
}

/// The allowed range of one charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeRange {
    /// The smallest charge, if limited.
    pub min: Option<Amount>,
    /// The largest charge, if limited.
    pub max: Option<Amount>,
}

/// What a sender token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderTokenTerms {
    /// Its reference.
    pub reference: String,
    /// The token type: how often the token may be used.
    pub token_type: TokenType,
    /// The allowed range of one charge.
    pub charges: ChargeRange,
    /// The limit of all charges together.
    pub global_limit: Option<Amount>,
    /// Further limits.
    pub limits: Vec<UsageLimit>,
    /// The recipient tokens that it may pay; empty means the caller and any recipient.
    pub recipients: Vec<TokenId>,
    /// Whether the payment is to be reserved first.
    pub reserves: bool,
}

/// What a credit instrument and its tokens allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostpaidTerms {
    /// The reference of the token that makes debt.
    pub sender_reference: String,
    /// The reference of the token that settles it.
    pub settlement_reference: String,
    /// The credit limit.
    pub credit_limit: Amount,
    /// The limit of all settlements together.
    pub settlement_limit: Amount,
    /// What one charge on credit has to be (our choice of the token it binds).
    pub charges: ChargeRange,
    /// Further limits on charges (our choice of the token they bind).
    pub limits: Vec<UsageLimit>,
}

/// Why a proposal cannot be authorized.
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
pub(in crate::ledger) type CreatedIds = (Option<InstrumentId>, Vec<TokenId>);

impl Proposal {
    pub(in crate::ledger) fn read_set(&self, reads: &mut ReadSet<'_>) {
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
            TokenRequest::Payments(SenderTokenTerms { reference, .. }) => {
                vec![("callerReference", reference)]
            }
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
}
