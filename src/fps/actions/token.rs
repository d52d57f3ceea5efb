//! How a token stands in answers (schema type Token).

use crate::fps::xml::Xml;
use crate::ledger::Token;

/// `<Token>…</Token>`. OldTokenId is the token itself, as in the guide's samples.
pub(super) fn write_token(xml: &mut Xml, token: &Token) {
    xml.nested("Token", |xml| {
        xml.text("TokenId", &token.id);
        xml.text("FriendlyName", &token.friendly_name);
        xml.text("TokenStatus", if token.active { "Active" } else { "Inactive" });
        xml.text("DateInstalled", token.installed);
        xml.text("CallerReference", &token.caller_reference);
        xml.text("TokenType", token.token_type.name());
        xml.text("OldTokenId", &token.id);
        xml.maybe("PaymentReason", token.payment_reason.as_ref());
    });
}
