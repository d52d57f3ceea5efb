//! Signatures of the messages that FPS sends to merchants, return URLs and notifications: signing and verification
//! (guide: Verifying the Signature; VerifySignature).

mod signing_key;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
use tokio::sync::{OnceCell, oneshot};
use url::Url;

use crate::error::{Code, FpsError};
use crate::ledger::{GetSecret, Secret, SecretName, StoreSecret};
use crate::query::{DecodedParameters, Pair};
use crate::random::RequestIdGenerator;
use crate::signature::{self, Hash, Scheme, Signable, TrustedRsaKeys, string_to_sign};
use crate::store::{AccessKey, Store};

pub use signing_key::{SigningKey, SigningKeyError};

/// The result of [`MessageSigner::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageVerificationResult {
    /// The signature is correct.
    Valid,
    /// The signature is wrong, or made by a key that is not trusted.
    Invalid,
    /// The message does not tell which key signed it.
    MissingCertificateUrl,
}

/// Signs messages with the sandbox's signing key, and verifies messages of the sandbox and of trusted keys.
#[derive(Debug)]
pub struct MessageSigner {
    trusted_keys: TrustedRsaKeys,
    store: Store,
    signing_key: OnceCell<Arc<SigningKey>>,
}

/// The nice value of the thread that generates a key.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;

/// The name of the signature parameter of messages (guide: Verifying the Signature).
const SIGNATURE: &str = "signature";

impl MessageSigner {
    /// `trusted_keys` are trusted besides the sandbox's signing key, which is stored in `store`.
    pub fn new(trusted_keys: TrustedRsaKeys, store: Store) -> Self {
        Self { trusted_keys, store, signing_key: OnceCell::new() }
    }

    /// The sandbox's signing key, which all sandboxes of a database share. The first call generates it if the database
    /// has none; concurrent calls wait for that.
    pub async fn signing_key(self: &Arc<Self>) -> Result<Arc<SigningKey>, FpsError> {
        if let Some(key) = self.signing_key.get() {
            return Ok(Arc::clone(key));
        }
        // In a task of its own: if the client that began it disconnects, other clients still get the key.
        let signer = Arc::clone(self);
        let task = tokio::spawn(async move {
            signer.signing_key.get_or_try_init(|| signer.load_or_generate_key()).await.cloned()
        });
        task.await.map_err(|error| log_internal_error(&error))?
    }

    async fn load_or_generate_key(&self) -> Result<Arc<SigningKey>, FpsError> {
        if let Some(stored) = self.load_key().await? {
            return Ok(stored);
        }
        let generated = generate_key_on_thread().await?;
        // Another sandbox of the database may have stored a key meanwhile. The store keeps the first one and returns it.
        let offered = Secret::new(generated.to_pem());
        let command = StoreSecret { name: SecretName::SigningKey, offered };
        let stored = parse_key(&self.store.run(command).await?)?;
        if stored.certificate_path() == generated.certificate_path() {
            tracing::info!(certificate = stored.certificate_path(), "the key that signs messages is made");
        }
        Ok(stored)
    }

    /// Loads the key from the database, if there is one.
    async fn load_key(&self) -> Result<Option<Arc<SigningKey>>, FpsError> {
        let query = GetSecret { name: SecretName::SigningKey };
        self.store.query(query).await?.map(|pem| parse_key(&pem)).transpose()
    }

    /// Finds the sandbox's signing key by the path of its certificate.
    pub async fn find_signing_key(
        &self,
        certificate_path: &str,
    ) -> Result<Option<Arc<SigningKey>>, FpsError> {
        if !certificate_path.starts_with("/certs/") {
            return Ok(None);
        }
        let key = match self.signing_key.get() {
            Some(key) => Some(Arc::clone(key)),
            None => self.load_key().await?.inspect(|key| {
                // Fails if a concurrent call was faster; it stored the same key.
                let _ = self.signing_key.set(Arc::clone(key));
            }),
        };
        Ok(key.filter(|key| key.certificate_path() == certificate_path))
    }

    /// Signs a message to `endpoint` by version 2: adds the four signature parameters. `certificate_base` is the origin
    /// under which the certificate is served, such as `http://localhost:8008`; `ids` gives the requestId in its URL.
    ///
    /// A return URL is verified by its whole query, so the endpoint's own parameters are signed too (guide:
    /// VerifySignature). A notification is verified by its form alone (observed).
    pub async fn sign(
        self: &Arc<Self>,
        verb: &str,
        endpoint: &Url,
        certificate_base: &str,
        ids: &RequestIdGenerator,
        pairs: &mut Vec<Pair>,
    ) -> Result<(), FpsError> {
        let key = self.signing_key().await?;
        let certificate = format!(
            "{certificate_base}{}?requestId={}",
            key.certificate_path(),
            ids.next_certificate_request_id()
        );
        for (name, value) in
            [("signatureMethod", "RSA-SHA1"), ("signatureVersion", "2"), ("certificateUrl", &certificate)]
        {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        let text = match verb {
            "GET" => message_to_sign(verb, endpoint, &with_endpoint_query(endpoint, pairs)),
            _ => message_to_sign(verb, endpoint, pairs),
        };
        let signature = key.sign(&text).map_err(|error| log_internal_error(&error))?;
        pairs.push((SIGNATURE.to_owned(), signature));
        Ok(())
    }

    /// Signs a message by version 1: adds a signature made with the merchant's own secret key.
    pub fn sign_version_1(key: &AccessKey, endpoint: &Url, pairs: &mut Vec<Pair>) {
        let all = with_endpoint_query(endpoint, pairs);
        let signable = Signable { verb: "", path: "", pairs: &all, signature_name: SIGNATURE };
        pairs.push((SIGNATURE.to_owned(), signature::sign(&key.secret, Scheme::V1, &signable, "")));
    }

    /// Verifies a message. `endpoint` is the merchant's URL that received it, whose query is ignored; `parameters` are
    /// the message's parameters as received.
    ///
    /// The verb is not known, so GET (a return URL) and POST (a notification) are both tried.
    pub async fn verify(
        &self,
        endpoint: &Url,
        parameters: &str,
    ) -> Result<MessageVerificationResult, FpsError> {
        let parameters = DecodedParameters::decode(&[parameters.as_bytes()]);
        let Some(certificate_url) = parameters.value("certificateUrl") else {
            return Ok(MessageVerificationResult::MissingCertificateUrl);
        };
        // A framework may have turned `+` into blanks, and the signature is wrapped at 76 characters.
        let base64 = parameters.value(SIGNATURE).unwrap_or_default().replace(' ', "+");
        let Ok(signature) = STANDARD.decode(base64.split_whitespace().collect::<String>()) else {
            return Ok(MessageVerificationResult::Invalid);
        };
        let texts = ["POST", "GET"].map(|verb| message_to_sign(verb, endpoint, parameters.pairs()));
        let is_signed_by = |key: &RsaPublicKeyComponents<Vec<u8>>, text: &String| {
            key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes(), &signature).is_ok()
        };
        let trusted_key = self.trusted_keys.find(&certificate_url);
        if trusted_key.is_some_and(|key| texts.iter().any(|text| is_signed_by(key, text))) {
            return Ok(MessageVerificationResult::Valid);
        }
        // The path of the certificate identifies the key, whatever the host: the sandbox is reached by several names, and
        // the signature covers the whole URL.
        let signing_key = match Url::parse(&certificate_url) {
            Ok(url) => self.find_signing_key(url.path()).await?,
            Err(_) => None,
        };
        let is_valid = signing_key.is_some_and(|key| texts.iter().any(|text| key.verify(text, &signature)));
        Ok(if is_valid { MessageVerificationResult::Valid } else { MessageVerificationResult::Invalid })
    }
}

/// Generates a key on a thread of its own, at the lowest priority where the system has priorities for threads. A
/// shutdown does not wait for the thread, as it would for a blocking task of the runtime.
async fn generate_key_on_thread() -> Result<SigningKey, FpsError> {
    let (sender, receiver) = oneshot::channel();
    let generate = move || {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(LOWEST_PRIORITY) {
            tracing::debug!(%error, "the signing key is generated at normal priority");
        }
        // Fails if the receiving task is gone, as it is after a shutdown.
        let _ = sender.send(SigningKey::generate());
    };
    let thread = std::thread::Builder::new().name("fps-key".to_owned()).spawn(generate);
    thread.map_err(|error| log_internal_error(&error))?;
    let generated = receiver.await.map_err(|error| log_internal_error(&error))?;
    generated.map_err(|error| log_internal_error(&error))
}

fn parse_key(pem: &Secret) -> Result<Arc<SigningKey>, FpsError> {
    SigningKey::from_pem(pem.reveal()).map(Arc::new).map_err(|error| log_internal_error(&error))
}

/// Logs the error, of which the client learns only `InternalError`.
fn log_internal_error(error: &dyn std::error::Error) -> FpsError {
    tracing::error!(%error, "a message cannot be signed");
    Code::InternalError.into()
}

/// The host of an endpoint as it is signed: with its port, unless it is the default port of the scheme.
fn signed_host(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The parameters of an endpoint's own query, followed by those of the message.
fn with_endpoint_query(endpoint: &Url, pairs: &[Pair]) -> Vec<Pair> {
    let own = endpoint.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    own.chain(pairs.iter().cloned()).collect()
}

/// The string to sign of a message.
fn message_to_sign<T: AsRef<[u8]>>(verb: &str, endpoint: &Url, pairs: &[(T, T)]) -> String {
    let signable = Signable { verb, path: endpoint.path(), pairs, signature_name: SIGNATURE };
    // The string to sign is that of request signatures of version 2; it does not depend on the hash.
    string_to_sign(Scheme::V2(Hash::Sha1), &signable, &signed_host(endpoint))
}
