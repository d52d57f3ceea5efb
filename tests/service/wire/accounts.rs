//! Which accounts may call.

use super::*;

const SEED: &str = r#"
[[account]]
name = "customer"
email = "customer@example.com"
developer = false
[[account.access_key]]
id = "CUSTOMER"
secret = "a secret"
[[account]]
name = "stranger"
email = "stranger@example.com"
signed_up = false
[[account.access_key]]
id = "STRANGER"
secret = "a secret"
[[account]]
name = "shop"
email = "shop@example.com"
[[account.access_key]]
id = "SHOP"
secret = "a secret"
"#;

#[tokio::test]
async fn only_a_developer_who_is_signed_up_may_call() {
    let server = Server::start_seeded(SEED).await;
    let call = async |key: &str, secret: &str, action: &str| {
        send(&server, &RequestBuilder::new(key, secret, NOW, action, &[])).await
    };
    assert_ok(&call("SHOP", "a secret", "GetAccountBalance").await);
    for action in ["GetAccountBalance", "Pay", "Nothing"] {
        let text = "Developer account is needed to make API calls.";
        assert_refused(&call("CUSTOMER", "a secret", action).await, 403, "AccessFailure", text);
        let text = "AWS was not able to validate the provided access credentials.";
        assert_refused(&call("STRANGER", "a secret", action).await, 401, "AuthFailure", text);
        // Without the secret, the response says nothing about the account.
        for key in ["CUSTOMER", "STRANGER"] {
            assert_eq!(call(key, "another", action).await.code(), "SignatureDoesNotMatch");
        }
    }
}
