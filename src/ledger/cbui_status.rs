//! How a visit to the Co-Branded pages ends.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// How a visit to the Co-Branded pages ends: the status codes of return URLs (guide: pipeline pages), and two more
/// endings that a test can ask for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum CbuiStatus {
    /// Success: the visitor pays by Amazon Payments balance.
    SA,
    /// Success: the visitor pays by bank account.
    SB,
    /// Success: the visitor pays by credit card.
    SC,
    /// Success: a recipient accepted the marketplace's terms.
    SR,
    /// Success: the visitor edited a token and changed nothing.
    SU,
    /// System error.
    SE,
    /// The visitor cancelled.
    A,
    /// The merchant's request is wrong.
    CE,
    /// The visitor has none of the payment methods asked for.
    PE,
    /// The visitor's account cannot be used for this.
    NP,
    /// The merchant is not registered for this pipeline.
    NM,
    /// Success: the visitor pays by a card that has expired.
    ExpiredCard,
    /// Success, reported in a return URL with a wrong signature.
    TamperedSignature,
}

impl CbuiStatus {
    /// Whether the visitor authorized the request.
    pub const fn is_success(self) -> bool {
        !matches!(self, Self::A | Self::CE | Self::PE | Self::NP | Self::NM | Self::SE)
    }
}
