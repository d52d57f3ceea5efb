//! One request on its way through an action.

use crate::config::VerifySignatureRefusal;
use crate::error::FpsError;
use crate::ledger::{
    AccountNumber, ChargeFeeTo, Command, CsOwner, Descriptions, DescriptorPolicy, Idempotent,
    IdempotentOperation, MarketplaceFee, MarketplaceRefundPolicy, Operation, Payment, PaymentMethod, Query,
    Receipt, Role, SoftDescriptorType, Status, TokenType,
};
use crate::message_signing::MessageSigner;
use crate::worlds::World;

use super::Answer;
use super::params::{Params, WireName};

/// A request that is authenticated and whose parameter names are known.
pub struct Call<'a> {
    /// Who asks.
    pub caller: AccountNumber,
    /// What is asked.
    pub params: Params<'a>,
    /// Where commands run.
    world: &'a World,
}

/// A request that anybody may make: nobody is known to ask, and nobody's account is touched.
pub struct OpenCall<'a> {
    /// What is asked.
    pub params: Params<'a>,
    /// Checks signatures of notifications and return URLs.
    pub message_signer: &'a MessageSigner,
    /// How VerifySignature says no.
    pub refusal: VerifySignatureRefusal,
}

impl<'a> Call<'a> {
    /// A call whose commands run here.
    pub const fn new(caller: AccountNumber, params: Params<'a>, world: &'a World) -> Self {
        Self { caller, params, world }
    }

    /// Runs a command. All parameters have to be read by now, so that none is ignored in silence.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        self.params.used_up()?;
        self.world.store().run(command).await
    }

    /// Answers a query. All parameters have to be read by now, so that none is ignored in silence.
    pub async fn ask<Q: Query>(&self, query: Q) -> Result<Q::Output, FpsError> {
        self.params.used_up()?;
        self.world.store().query(query).await
    }

    /// Runs an operation that gives a receipt without a caller reference.
    pub async fn run_for_receipt(self, command: impl Command<Output = Receipt>) -> Result<Answer, FpsError> {
        Ok(receipt_answer(&self.run(command).await?))
    }

    /// Runs an operation under its caller reference and answers with its receipt.
    pub async fn run_once(self, operation: impl IdempotentOperation) -> Result<Answer, FpsError> {
        let once = Idempotent { operation, digest: self.params.digest() };
        Ok(receipt_answer(&self.run(once).await?))
    }
}

fn receipt_answer(receipt: &Receipt) -> Answer {
    Answer::result(|out| {
        out.text("TransactionId", &receipt.transaction);
        out.text("TransactionStatus", receipt.status.name());
    })
}

/// Reading what several actions share.
impl Params<'_> {
    /// CallerReference and CallerDescription.
    pub fn descriptions(&mut self) -> Result<Descriptions, FpsError> {
        Ok(Descriptions {
            caller_reference: self.text("CallerReference")?,
            caller_description: self.optional_text("CallerDescription")?,
            ..Descriptions::default()
        })
    }

    /// The same with SenderDescription and DescriptorPolicy: what a card statement shows.
    pub fn statement_descriptions(&mut self) -> Result<Descriptions, FpsError> {
        let given =
            self.is_given("DescriptorPolicy.SoftDescriptorType") || self.is_given("DescriptorPolicy.CSOwner");
        let mut descriptions = self.descriptions()?;
        descriptions.sender_description = self.optional_text("SenderDescription")?;
        let policy = DescriptorPolicy {
            soft_descriptor: self
                .choice("DescriptorPolicy.SoftDescriptorType", SoftDescriptorType::Static)?,
            owner: self.choice("DescriptorPolicy.CSOwner", CsOwner::Recipient)?,
        };
        descriptions.descriptor_policy = given.then_some(policy);
        Ok(descriptions)
    }

    /// What Pay and Reserve share.
    pub fn payment(&mut self, caller: AccountNumber) -> Result<Payment, FpsError> {
        let sender_token = self.text("SenderTokenId")?.into();
        let recipient_token = self.optional_text("RecipientTokenId")?.map(Into::into);
        let amount = self.amount("TransactionAmount")?;
        // A recipient token may have a default of its own; without one, nothing said is the same as Recipient.
        let charge_fee_to = if recipient_token.is_none() {
            Some(self.choice("ChargeFeeTo", ChargeFeeTo::Recipient)?)
        } else {
            self.optional_choice("ChargeFeeTo")?
        };
        let mut descriptions = self.statement_descriptions()?;
        let timeout_minutes = self.minutes("TransactionTimeoutInMins", DEFAULT_TIMEOUT_MINUTES)?;
        let marketplace_fee = MarketplaceFee {
            fixed: self.optional_amount("MarketplaceFixedFee")?,
            percent: self.optional_percent("MarketplaceVariableFee")?,
        };
        descriptions.ipn_url = self.optional_text("OverrideIPNURL")?;
        Ok(Payment {
            caller,
            sender_token,
            recipient_token,
            amount,
            charge_fee_to,
            marketplace_fee,
            descriptions,
            timeout_minutes,
        })
    }
}

/// How long a transaction may be pending by default: seven days (guide: TransactionTimeoutInMins).
pub(super) const DEFAULT_TIMEOUT_MINUTES: i32 = 10_080;

macro_rules! wire_name {
    ($($name:ty)*) => {$(
        impl WireName for $name {
            fn read(name: &str) -> Option<Self> {
                Self::named(name)
            }

            fn write(self) -> &'static str {
                self.name()
            }
        }
    )*};
}

wire_name! {
    ChargeFeeTo CsOwner MarketplaceRefundPolicy Operation PaymentMethod Role SoftDescriptorType Status TokenType
}
