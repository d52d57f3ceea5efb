//! Proposals: what a merchant asks a visitor of the Co-Branded pages to authorize, and its rules (guide: the pages of
//! the seven pipelines).

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
    /// The purpose, in the merchant's words.
    pub reason: Option<String>,
    /// The validity of the tokens and the instrument that are made.
    pub validity: Validity,
    /// The tokens or the instrument that the merchant asks for.
    pub request: TokenRequest,
}

/// The tokens or the instrument that a proposal asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A sender token.
    Payments(SenderTokenTerms),
    /// A recipient's consent, and the right to refund what it receives.
    Receiving {
        /// The reference of the recipient token.
        reference: String,
        /// The reference of the refund token; `None` means that it has `reference` too. A look-up by `reference`
        /// still finds the recipient token, because it is the older one.
        refund_reference: Option<String>,
        /// The terms.
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
        /// The token to edit.
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
    /// The reference of the token.
    pub reference: String,
    /// The token type: how often the token may be used.
    pub token_type: TokenType,
    /// The allowed range of one charge.
    pub charges: ChargeRange,
    /// The limit for the sum of all charges.
    pub global_limit: Option<Amount>,
    /// Usage limits.
    pub limits: Vec<UsageLimit>,
    /// The recipient tokens that the token may pay; empty means the caller and any recipient.
    pub recipients: Vec<TokenId>,
    /// Whether the merchant will reserve the payment first, and charge it later.
    pub reserves: bool,
}

/// What a credit instrument and its tokens allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostpaidTerms {
    /// The reference of the token that pays with the instrument, which makes debt.
    pub sender_reference: String,
    /// The reference of the token that settles the debt.
    pub settlement_reference: String,
    /// The credit limit.
    pub credit_limit: Amount,
    /// The limit for the sum of all settlements.
    pub settlement_limit: Amount,
    /// The allowed range of one charge on credit (our choice: it binds the token that pays with the instrument).
    pub charges: ChargeRange,
    /// Usage limits for charges on credit (our choice: they bind the token that pays with the instrument).
    pub limits: Vec<UsageLimit>,
}

/// Why a proposal cannot be authorized. The status of the return URL is given in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalError {
    /// This parameter is not well-formed (CE).
    IllFormed(&'static str),
    /// This parameter gives a reference that a token already has (CE; our choice).
    ReferenceUsed(&'static str),
    /// The visitor has none of the payment methods asked for (PE).
    NoMethod,
    /// The visitor cannot take part, for this reason (NP).
    NotPossible(&'static str),
    /// The caller is not registered for this kind of proposal (NM).
    NotRegistered,
}

/// The ids of the instrument, if there is one, and of the tokens.
pub(in crate::ledger) type CreatedIds = (Option<InstrumentId>, Vec<TokenId>);

impl Proposal {
    pub(in crate::ledger) fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        for kind in [AccountKind::Personal, AccountKind::Business] {
            reads.first_accounts(kind);
        }
        for (_, reference) in self.references() {
            reads.tokens_by_reference_with_instruments(self.caller, reference);
        }
        let edited = match &self.request {
            TokenRequest::Edit { token } => Some(token),
            _ => None,
        };
        for id in self.recipients().iter().chain(edited) {
            reads.token(id);
        }
    }

    /// The references under which the proposal makes tokens, each with the name of the parameter that gives it.
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

    /// Whether the visitor is to receive money, not to pay.
    pub fn is_receiving(&self) -> bool {
        matches!(self.request, TokenRequest::Receiving { .. })
    }
}
