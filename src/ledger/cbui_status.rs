//! How a visit to the Co-Branded pages ends.

use super::transaction::wire_names;

wire_names! {
    /// How a visit to the Co-Branded pages ends: the status codes of return URLs (guide: pipeline pages), and two more
    /// that tests ask for.
    CbuiStatus {
        /// Success, by Amazon Payments balance.
        SA,
        /// Success, by bank account.
        SB,
        /// Success, by credit card.
        SC,
        /// Success: a recipient has agreed.
        SR,
        /// Nothing was changed of a token that could be edited.
        SU,
        /// System error.
        SE,
        /// The visitor has called it off.
        A,
        /// The merchant's request is wrong.
        CE,
        /// The visitor has none of the payment methods asked for.
        PE,
        /// The visitor cannot take part.
        NP,
        /// The merchant is not registered for it.
        NM,
        /// Success, by a card that has expired.
        ExpiredCard,
        /// Success, told with a signature that is wrong.
        TamperedSignature,
    }
}

impl CbuiStatus {
    /// Whether something is authorised.
    pub const fn is_success(self) -> bool {
        !matches!(self, Self::A | Self::CE | Self::PE | Self::NP | Self::NM | Self::SE)
    }
}
