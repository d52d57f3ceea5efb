//! One request on its way through an action.

use crate::error::FpsError;
use crate::ledger::{
    Caller, ChargeFeeTo, CsOwner, DescriptorPolicy, MarketplaceRefundPolicy, Once, Receipt, Referenced,
    Remarks, SoftDescriptorType,
};
use crate::store::Store;

use super::params::{Params, WireName};
use super::xml::Answer;

/// A request that is authenticated and whose parameter names are known.
pub struct Call<'a> {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub params: Params<'a>,
    /// Where commands run.
    pub store: &'a Store,
}

impl Call<'_> {
    /// Runs an operation under its caller reference and answers with its receipt.
    pub async fn run_once(
        self,
        action: &'static str,
        operation: impl Referenced,
    ) -> Result<Answer, FpsError> {
        let once = Once { operation, digest: self.params.finish() };
        let Receipt { transaction, status } = self.store.run(once).await?;
        Ok(Answer::result(action, |xml| {
            xml.text("TransactionId", transaction);
            xml.text("TransactionStatus", status.name());
        }))
    }
}

/// Reading what several actions share.
impl Params<'_> {
    /// CallerReference and CallerDescription.
    pub fn remarks(&mut self) -> Result<Remarks, FpsError> {
        Ok(Remarks {
            caller_reference: self.text("CallerReference")?,
            caller_description: self.maybe_text("CallerDescription")?,
            ..Remarks::default()
        })
    }

    /// The same with SenderDescription and DescriptorPolicy: what a card statement shows.
    pub fn remarks_for_statement(&mut self) -> Result<Remarks, FpsError> {
        let given =
            self.is_given("DescriptorPolicy.SoftDescriptorType") || self.is_given("DescriptorPolicy.CSOwner");
        let mut remarks = self.remarks()?;
        remarks.sender_description = self.maybe_text("SenderDescription")?;
        let policy = DescriptorPolicy {
            soft_descriptor: self
                .choice("DescriptorPolicy.SoftDescriptorType", SoftDescriptorType::Static)?,
            owner: self.choice("DescriptorPolicy.CSOwner", CsOwner::Recipient)?,
        };
        remarks.descriptor_policy = given.then_some(policy);
        Ok(remarks)
    }
}

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

wire_name! { ChargeFeeTo CsOwner MarketplaceRefundPolicy SoftDescriptorType }
