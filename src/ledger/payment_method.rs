//! How a sender pays.

use crate::ledger::wire_names::wire_names;

wire_names! {
    /// How the sender pays (schema: PaymentMethod).
    PaymentMethod {
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
}

impl PaymentMethod {
    /// Whether the method finishes outside FPS, later (guide: cards and banks are asynchronous).
    pub const fn is_external(self) -> bool {
        matches!(self, Self::CC | Self::ACH)
    }
}
