//! Messages that FPS sends to merchants — return URLs and notifications — and how their signatures are checked
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
use crate::query::{Decoded, Pair};
use crate::random::RequestIdGenerator;
use crate::signature::{self, Hash, Scheme, Signable, TrustedKeys, string_to_sign};
use crate::store::{AccessKey, Store};

pub use signing_key::SigningKey;

/// What a check of a message found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The signature is right.
    Success,
    /// It is wrong, or no key that is trusted made it.
    NotOurs,
    /// The message does not say who signed it.
    NoCertificateUrl,
}

/// Signs messages with the sandbox's own key, and checks any.
#[derive(Debug)]
pub struct Outbound {
    trusted: TrustedKeys,
    store: Store,
    own: OnceCell<Arc<SigningKey>>,
}

/// The nice value of the thread that makes a key.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;

/// What every message to a merchant carries beside its parameters (guide: Verifying the Signature).
const SIGNATURE: &str = "signature";

impl Outbound {
    /// Trusts these keys beside the sandbox's own, which is kept in the store.
    pub fn new(trusted: TrustedKeys, store: Store) -> Self {
        Self { trusted, store, own: OnceCell::new() }
    }

    /// The sandbox's own key, shared by all sandboxes of a database. The first that needs it makes it; whoever comes
    /// meanwhile waits for that.
    pub async fn own_key(self: &Arc<Self>) -> Result<Arc<SigningKey>, FpsError> {
        if let Some(key) = self.own.get() {
            return Ok(Arc::clone(key));
        }
        // In a task of its own: a visitor who goes away must not stop what others wait for.
        let outbound = Arc::clone(self);
        let asked =
            tokio::spawn(
                async move { outbound.own.get_or_try_init(|| outbound.find_or_make()).await.cloned() },
            );
        asked.await.map_err(|problem| failed(&problem))?
    }

    async fn find_or_make(&self) -> Result<Arc<SigningKey>, FpsError> {
        if let Some(kept) = self.kept_key().await? {
            return Ok(kept);
        }
        let made = make_apart().await?;
        let offered = Secret::new(made.to_pem());
        let keep = StoreSecret { name: SecretName::SigningKey, offered };
        let kept = read_key(&self.store.run(keep).await?)?;
        if kept.certificate_path() == made.certificate_path() {
            tracing::info!(certificate = kept.certificate_path(), "the key that signs messages is made");
        }
        Ok(kept)
    }

    async fn kept_key(&self) -> Result<Option<Arc<SigningKey>>, FpsError> {
        let find = GetSecret { name: SecretName::SigningKey };
        self.store.query(find).await?.map(|pem| read_key(&pem)).transpose()
    }

    /// The sandbox's own key, if a certificate's path is that of its certificate.
    pub async fn key_at(&self, path: &str) -> Result<Option<Arc<SigningKey>>, FpsError> {
        if !path.starts_with("/certs/") {
            return Ok(None);
        }
        let key = match self.own.get() {
            Some(key) => Some(Arc::clone(key)),
            None => self.kept_key().await?.inspect(|key| {
                // Somebody else may have been quicker, with the same key.
                let _ = self.own.set(Arc::clone(key));
            }),
        };
        Ok(key.filter(|key| key.certificate_path() == path))
    }

    /// Signs a message to `endpoint` by version 2: adds the four signature parameters. `base` is the address under
    /// which the certificate can be had, such as `http://localhost:8008`; `ids` gives the requestId in its URL.
    ///
    /// A return URL is verified by its whole query, so the parameters of the endpoint's own are signed too (guide:
    /// VerifySignature). A notification is verified by its form alone (observed).
    pub async fn sign(
        self: &Arc<Self>,
        verb: &str,
        endpoint: &Url,
        base: &str,
        ids: &RequestIdGenerator,
        pairs: &mut Vec<Pair>,
    ) -> Result<(), FpsError> {
        let key = self.own_key().await?;
        let certificate =
            format!("{base}{}?requestId={}", key.certificate_path(), ids.next_certificate_request_id());
        for (name, value) in
            [("signatureMethod", "RSA-SHA1"), ("signatureVersion", "2"), ("certificateUrl", &certificate)]
        {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        let text = match verb {
            "GET" => signed_text(verb, endpoint, &with_own_query(endpoint, pairs)),
            _ => signed_text(verb, endpoint, pairs),
        };
        let signature = key.sign(&text).map_err(|problem| failed(&problem))?;
        pairs.push((SIGNATURE.to_owned(), signature));
        Ok(())
    }

    /// Signs a message by version 1: one more parameter, made with the merchant's own secret key.
    pub fn sign_by_version_1(key: &AccessKey, endpoint: &Url, pairs: &mut Vec<Pair>) {
        let all = with_own_query(endpoint, pairs);
        let signable = Signable { verb: "", path: "", pairs: &all, signature_name: SIGNATURE };
        pairs.push((SIGNATURE.to_owned(), signature::sign(&key.secret, Scheme::V1, &signable, "")));
    }

    /// Checks a message: the merchant's URL that got it, whose query does not matter, and its parameters as they came.
    ///
    /// The verb is not known, so GET (a return URL) and POST (a notification) are both tried.
    pub async fn check(&self, endpoint: &Url, parameters: &str) -> Result<Finding, FpsError> {
        let parameters = Decoded::read(&[parameters.as_bytes()]);
        let Some(certificate_url) = parameters.value("certificateUrl") else {
            return Ok(Finding::NoCertificateUrl);
        };
        // A framework may have turned `+` into blanks, and the signature is wrapped at 76 characters.
        let given = parameters.value(SIGNATURE).unwrap_or_default().replace(' ', "+");
        let Ok(signature) = STANDARD.decode(given.split_whitespace().collect::<String>()) else {
            return Ok(Finding::NotOurs);
        };
        let texts = ["POST", "GET"].map(|verb| signed_text(verb, endpoint, parameters.pairs()));
        let by_trusted = |key: &RsaPublicKeyComponents<Vec<u8>>, text: &String| {
            key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes(), &signature).is_ok()
        };
        let trusted = self.trusted.named(&certificate_url);
        if trusted.is_some_and(|key| texts.iter().any(|text| by_trusted(key, text))) {
            return Ok(Finding::Success);
        }
        // Whatever address the certificate was told to be at, its path names the key, and the signature covers both.
        let own = match Url::parse(&certificate_url) {
            Ok(url) => self.key_at(url.path()).await?,
            Err(_) => None,
        };
        let by_own = own.is_some_and(|key| texts.iter().any(|text| key.verifies(text, &signature)));
        Ok(if by_own { Finding::Success } else { Finding::NotOurs })
    }
}

/// Makes a key on a thread of its own, at the lowest priority where the system has one for threads. Shutting down does
/// not wait for it, as it would for a blocking task of the runtime.
async fn make_apart() -> Result<SigningKey, FpsError> {
    let (answer, made) = oneshot::channel();
    let work = move || {
        #[cfg(target_os = "linux")]
        if let Err(problem) = rustix::process::nice(LOWEST_PRIORITY) {
            tracing::debug!(%problem, "a signing key is made at normal priority");
        }
        // The receiver may be gone.
        let _ = answer.send(SigningKey::make());
    };
    std::thread::Builder::new().name("fps-key".to_owned()).spawn(work).map_err(|problem| failed(&problem))?;
    made.await.map_err(|problem| failed(&problem))?.map_err(|problem| failed(&problem))
}

fn read_key(pem: &Secret) -> Result<Arc<SigningKey>, FpsError> {
    SigningKey::from_pem(pem.reveal()).map(Arc::new).map_err(|problem| failed(&problem))
}

fn failed(problem: &dyn std::error::Error) -> FpsError {
    tracing::error!(%problem, "a message cannot be signed");
    Code::InternalError.into()
}

/// The host of an endpoint as it is signed: with its port, unless that is the scheme's own.
fn host(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn with_own_query(endpoint: &Url, pairs: &[Pair]) -> Vec<Pair> {
    let own = endpoint.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    own.chain(pairs.iter().cloned()).collect()
}

fn signed_text<T: AsRef<[u8]>>(verb: &str, endpoint: &Url, pairs: &[(T, T)]) -> String {
    let signable = Signable { verb, path: endpoint.path(), pairs, signature_name: SIGNATURE };
    // The text is that of signature version 2; which hash the scheme names makes no difference to it.
    string_to_sign(Scheme::V2(Hash::Sha1), &signable, &host(endpoint))
}
