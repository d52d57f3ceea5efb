//! The tokens and the instrument that a proposal makes.

use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::command::Context;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, TokenId, TokenNumber};
use crate::ledger::instrument::{Instrument, InstrumentKind, Validity};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::proposal::{CreatedIds, Proposal, ProposalError, TokenRequest};
use crate::ledger::token::{Purpose, Token, TokenType, Usage};

impl Proposal {
    /// The tokens that the proposal makes, before they get their numbers, ids and instrument.
    pub(in crate::ledger) fn drafts(
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

    /// The kind and the ceiling of the instrument that the proposal makes, if it makes one.
    fn instrument(&self) -> Option<(InstrumentKind, Amount)> {
        match &self.request {
            TokenRequest::Prepaid { max_balance, .. } => Some((InstrumentKind::Prepaid, *max_balance)),
            TokenRequest::Postpaid(credit) => Some((InstrumentKind::Credit, credit.credit_limit)),
            _ => None,
        }
    }

    /// What was made when the same visitor agreed to the same proposal before; `None` if the references are new. It
    /// is an error if a reference was used for anything else.
    pub(in crate::ledger) fn find_existing(
        &self,
        book: &Book,
        drafts: &[Token],
    ) -> Result<Option<CreatedIds>, ProposalError> {
        let references = self.references();
        let found: Vec<&Token> = references
            .iter()
            .flat_map(|(_, reference)| book.tokens_by_reference(self.caller, reference))
            .collect();
        let instrument = found.first().and_then(|token| book.instrument_by_number(token.instrument?));
        let carries = instrument.map(|found| (found.kind, found.ceiling)) == self.instrument();
        // A proposal without an end of validity gives its tokens an end that depends on the instant, so it is not
        // compared.
        let ends =
            |token: &Token| self.validity.until.is_none_or(|until| token.validity.until == Some(until));
        let same = found.len() == drafts.len()
            && found.iter().zip(drafts).all(|(found, draft)| found.allows_the_same(draft) && ends(found));
        // Tokens of one visit have consecutive numbers. References that are used by two earlier visits do not.
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

    /// Makes everything that the proposal asks for.
    pub(in crate::ledger) fn create(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        account: AccountNumber,
        drafts: Vec<Token>,
    ) -> CreatedIds {
        let instrument = self.instrument().map(|(kind, ceiling)| {
            let number = InstrumentNumber(context.ids.next_number());
            let id = context.ids.codec().instrument(number);
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
            let number = TokenNumber(context.ids.next_number());
            let id = context.ids.codec().token(number);
            let instrument = instrument.as_ref().map(|(number, _)| *number);
            book.add_token(Token { number, id: id.clone(), account, instrument, ..draft });
            id
        });
        let tokens = tokens.collect();
        (instrument.map(|(_, id)| id), tokens)
    }
}
