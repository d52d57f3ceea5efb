//! The caller's texts for a transaction, which FPS keeps and shows.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The text that goes to the card processor (schema: SoftDescriptorType).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum SoftDescriptorType {
    /// The first characters of the sender description.
    Dynamic,
    /// The account's own descriptor.
    Static,
}

/// The party whose customer service is named to the card processor (schema: CSOwner).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum CsOwner {
    /// The caller.
    Caller,
    /// The recipient.
    Recipient,
}

/// The parameter `DescriptorPolicy`. It is stored and has no other effect in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPolicy {
    /// The text that goes to the card processor.
    pub soft_descriptor: SoftDescriptorType,
    /// The party whose customer service is named.
    pub owner: CsOwner,
}

/// The caller's reference and texts for a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptions {
    /// The caller reference: the caller's own name for the request, unique for seven days.
    pub caller_reference: String,
    /// A text for the caller.
    pub caller_description: Option<String>,
    /// A text that is shown to the sender.
    pub sender_description: Option<String>,
    /// The policy for the text that goes to the card processor.
    pub descriptor_policy: Option<DescriptorPolicy>,
    /// The URL for notifications of this transaction, in place of the account's. It is stored only: nothing sends
    /// notifications yet.
    pub ipn_url: Option<String>,
}
