//! Payment methods.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// How the sender pays (schema: PaymentMethod).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum PaymentMethod {
    /// Amazon Payments balance transfer.
    ABT,
    /// Credit card.
    CC,
    /// Bank account.
    ACH,
    /// Postpaid credit instrument.
    Debt,
    /// Prepaid instrument.
    Prepaid,
}

impl PaymentMethod {
    /// Whether a card network or a bank finishes the payment, after the call (guide: cards and banks are
    /// asynchronous).
    pub const fn is_external(self) -> bool {
        matches!(self, Self::CC | Self::ACH)
    }
}
