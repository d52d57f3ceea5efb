//! The Token element of responses (schema type Token).

use crate::ledger::Named as _;
use crate::ledger::Token;
use crate::service::ElementWriter;

/// Writes `<Token>…</Token>`. OldTokenId is the id of the token itself, as in the guide's samples.
pub(super) fn write_token(out: &mut ElementWriter, token: &Token) {
    out.element("Token", |out| {
        out.text("TokenId", &token.id);
        out.text("FriendlyName", &token.friendly_name);
        out.text("TokenStatus", if token.active { "Active" } else { "Inactive" });
        out.text("DateInstalled", token.installed);
        out.text("CallerReference", &token.caller_reference);
        out.text("TokenType", token.token_type.name());
        out.text("OldTokenId", &token.id);
        out.optional_text("PaymentReason", token.payment_reason.as_ref());
    });
}
