//! How a token stands in answers (schema type Token).

use crate::ledger::Token;
use crate::service::Elements;

/// `<Token>…</Token>`. OldTokenId is the token itself, as in the guide's samples.
pub(super) fn write_token(out: &mut Elements, token: &Token) {
    out.nested("Token", |out| {
        out.text("TokenId", &token.id);
        out.text("FriendlyName", &token.friendly_name);
        out.text("TokenStatus", if token.active { "Active" } else { "Inactive" });
        out.text("DateInstalled", token.installed);
        out.text("CallerReference", &token.caller_reference);
        out.text("TokenType", token.token_type.name());
        out.text("OldTokenId", &token.id);
        out.maybe("PaymentReason", token.payment_reason.as_ref());
    });
}
