//! What a caller says about a transaction: texts that FPS keeps and shows.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// Which text goes to the card processor (schema: SoftDescriptorType).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum SoftDescriptorType {
    /// The first characters of the sender description.
    Dynamic,
    /// The account's own descriptor.
    Static,
}

/// Whose customer service is named to the card processor (schema: CSOwner).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum CsOwner {
    /// The caller's.
    Caller,
    /// The recipient's.
    Recipient,
}

/// `DescriptorPolicy`: stored and otherwise without effect in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPolicy {
    /// Which text goes to the card processor.
    pub soft_descriptor: SoftDescriptorType,
    /// Whose customer service is named.
    pub owner: CsOwner,
}

/// What the caller says about a transaction besides its amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptions {
    /// The caller's own name for the request: unique for seven days.
    pub caller_reference: String,
    /// For the caller.
    pub caller_description: Option<String>,
    /// Shown to the sender.
    pub sender_description: Option<String>,
    /// What the card processor is told.
    pub descriptor_policy: Option<DescriptorPolicy>,
    /// Where this transaction's notifications go instead of the account's address.
    pub ipn_url: Option<String>,
}
