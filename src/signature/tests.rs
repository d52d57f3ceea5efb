//! The vectors of `signatures.md`, step by step: string to sign, then signature; then every explanation.

use super::*;

const GUIDE: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const V2_SHA1: Scheme = Scheme::V2(Hash::Sha1);
const V2_SHA256: Scheme = Scheme::V2(Hash::Sha256);
const SANDBOX: &str = "fps.sandbox.amazonaws.com";
const CBUI: &str = "authorize.payments-sandbox.amazon.com";
const CBUI_PATH: &str = "/cobranded-ui/actions/start";

/// Decodes `a=b&c=d`.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value))).unwrap();
    query.split('&').map(pair).collect()
}

fn request<'a>(verb: &'a str, path: &'a str, pairs: &'a [(String, String)]) -> Signable<'a> {
    Signable { verb, path, pairs, signature_name: "Signature" }
}

/// The parameters of a string to sign in an order no rule asks for, with a signature among them.
fn shuffled(line: &str) -> Vec<(String, String)> {
    let mut pairs = pairs(line);
    pairs.reverse();
    pairs.insert(1, ("Signature".to_owned(), "left out".to_owned()));
    pairs
}

/// Asserts one version 2 vector: the text itself, the signature, and that the check accepts it.
fn assert_version_2(secret: &str, hash: Hash, text: &str, signature: &str) {
    let [verb, host, path, line] = text.split('\n').collect::<Vec<_>>()[..] else {
        panic!("four lines: {text}")
    };
    let pairs = shuffled(line);
    let request = request(verb, path, &pairs);
    let secret = SecretKey::new(secret);
    assert_eq!(string_to_sign(Scheme::V2(hash), &request, host), text);
    assert_eq!(sign(&secret, Scheme::V2(hash), &request, host), signature);
    let verdict = verify(&secret, Scheme::V2(hash), &request, &["other.example", host], signature, "");
    assert_eq!(verdict, Verdict::Matches { host: host.to_owned() });
}

/// Asserts one version 1 vector.
fn assert_version_1(secret: &str, signature_name: &str, query: &str, text: &str, signature: &str) {
    let mut pairs = pairs(query);
    pairs.push((signature_name.to_owned(), signature.to_owned()));
    let request = Signable { signature_name, ..request("GET", "/", &pairs) };
    let secret = SecretKey::new(secret);
    assert_eq!(string_to_sign(Scheme::V1, &request, "any"), text);
    assert_eq!(sign(&secret, Scheme::V1, &request, "any"), signature);
    assert_eq!(
        verify(&secret, Scheme::V1, &request, &["any"], signature, ""),
        Verdict::Matches { host: "any".to_owned() }
    );
}

mod vectors {
    use super::*;

    const BALANCE: &str = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=GetDebtBalance&CreditInstrumentId=553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2009-10-07T11%3A20%3A33.609Z&Version=2008-09-17";
    const SETTLE: &str = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=SettleDebt&CallerDescription=MyWish&CallerReference=CallerReference13&CreditInstrumentId=553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG&SenderTokenId=543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK&SettlementAmount.CurrencyCode=USD&SettlementAmount.Value=1&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2009-10-07T11%3A44%3A48.203Z&Version=2008-09-17";
    const WRITE_OFF: &str = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=WriteOffDebt&AdjustmentAmount.CurrencyCode=USD&AdjustmentAmount.Value=1&CallerDescription=MyWish&CallerReference=CallerReference14&CreditInstrumentId=553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2009-10-07T11%3A47%3A30.296Z&Version=2008-09-17";
    const POSTPAID: &str = "callerKey=AKIAIOSFODNN7EXAMPLE&callerReferenceSender=JohnPp10102008&callerReferenceSettlement=JohnPpSettle10102008&creditLimit=15&globalAmountLimit=100&paymentMethod=CC%2CACH%2CABT&paymentReason=Postpaid%20digital%20downloads&pipelineName=SetupPostpaid&returnURL=http%3A%2F%2Fwww.mysite.com%2Freturn%3Fx%3D1&signatureMethod=HmacSHA256&signatureVersion=2&usageLimitPeriod1=1%20Day&usageLimitType1=Count&usageLimitValue1=3&version=2009-01-09";

    fn guide(verb: &str, host: &str, line: &str, signature: &str) {
        assert_version_2(GUIDE, Hash::Sha256, &format!("{verb}\n{host}\n/\n{line}"), signature);
    }

    #[test]
    fn a_settle_debt_by_get() {
        guide("GET", SANDBOX, SETTLE, "ty6/knrukyT3O+EpIUxghe2ccZAgXEqjOPevGfaYnvU=");
    }

    #[test]
    fn b_get_debt_balance_by_get_on_three_hosts() {
        guide("GET", SANDBOX, BALANCE, "Y12bRjTFCahTRKHlz9shYgw/HvWdsD/iN6HRFPYBuOM=");
        guide("GET", "localhost", BALANCE, "VE2keCZ14sakf+c0NIN4mT8VIcrdv8hhnWHsm5raWvo=");
        guide("GET", "localhost:8080", BALANCE, "WdxihF/CJ3MeARrAqDmKMlkgI59PP9UtohrkrewWF1M=");
    }

    #[test]
    fn c_and_d_write_off_debt_by_get_and_post() {
        guide("GET", SANDBOX, WRITE_OFF, "FCeolKFXdcyzz026fAQ/2FLaowQh/5oN7sg5GHS+g0g=");
        guide("POST", SANDBOX, WRITE_OFF, "qF+Jxwele3hhx+jUJf7jWjYUxKOybyb37AZik7YsBmc=");
    }

    #[test]
    fn e_settle_debt_with_sha1() {
        let line = SETTLE.replace("HmacSHA256", "HmacSHA1");
        let text = format!("GET\n{SANDBOX}\n/\n{line}");
        assert_version_2(GUIDE, Hash::Sha1, &text, "QUsHnArvdp3l41JWVVrs84TyaDo=");
    }

    #[test]
    fn f_get_debt_balance_by_version_1() {
        assert_version_1(
            GUIDE,
            "Signature",
            &BALANCE.replace("&SignatureMethod=HmacSHA256&SignatureVersion=2", "&SignatureVersion=1"),
            "ActionGetDebtBalanceAWSAccessKeyIdAKIAIOSFODNN7EXAMPLECreditInstrumentId553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIGSignatureVersion1Timestamp2009-10-07T11:20:33.609ZVersion2008-09-17",
            "zlUbsgB6jXwts3OI59RKzZv8S6Q=",
        );
    }

    #[test]
    fn g_pay_by_post_with_awkward_characters() {
        let line = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=Pay&CallerDescription=Caf%C3%A9%20%E2%80%93%2010%25%20off&CallerReference=ref%20~%2A%2B%28%29%21%27%2F%3D%26%25&SenderTokenId=543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2012-01-02T03%3A04%3A05Z&TransactionAmount.CurrencyCode=USD&TransactionAmount.Value=15.50&Version=2008-09-17";
        let values = pairs(line);
        assert_eq!(values[2].1, "Café – 10% off");
        assert_eq!(values[3].1, "ref ~*+()!'/=&%");
        guide("POST", SANDBOX, line, "7O69a5AUnmGle/RDkdsCmyxhCpBIA/a6hPtLnM/K8uc=");
    }

    #[test]
    fn h_settle_debt_of_the_second_sample_by_version_1() {
        assert_version_1(
            GUIDE,
            "Signature",
            "Action=SettleDebt&Version=2008-09-17&SignatureVersion=1&Timestamp=2008-08-06T13%3A00%3A01Z&AWSAccessKeyId=0656Example83G2&CreditInstrumentId=2984656Example93577987&CallerReference=2987656Example657677&SenderTokenId=98796Example865787",
            "ActionSettleDebtAWSAccessKeyId0656Example83G2CallerReference2987656Example657677CreditInstrumentId2984656Example93577987SenderTokenId98796Example865787SignatureVersion1Timestamp2008-08-06T13:00:01ZVersion2008-09-17",
            "82txMqGXWpX9FMbQbTQFiM8Gucg=",
        );
    }

    #[test]
    fn kickstarter_hello_world() {
        let text = "GET\nexample.com\n/api\nhello=world";
        assert_version_2("bar", Hash::Sha256, text, "Ro7iH0M+1hIR/SXGvT1kmF6Tg5uUKRSUd1AWaJHOcpE=");
    }

    #[test]
    fn kickstarter_api_request() {
        let line = "AWSAccessKeyId=foo&Action=TestRequest&Amount.CurrencyCode=USD&Amount.Value=3.14&Foo=bar&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2011-01-01T05%3A00%3A00Z&Version=2011-09-20";
        let text = format!("GET\n{SANDBOX}\n/\n{line}");
        assert_version_2("bar", Hash::Sha256, &text, "WVrkmK7qt/T+gtHWcdzqtkLRH8c06l/mPv3ZfxyvNyg=");
    }

    #[test]
    fn kickstarter_cobranded_request() {
        let line = "callerKey=foo&foo=bar&pipelineName=TestPipeline&returnURL=http%3A%2F%2Fexample.com%2Freturn&signatureMethod=HmacSHA256&signatureVersion=2&version=2009-01-09";
        let text = format!("GET\n{CBUI}\n{CBUI_PATH}\n{line}");
        assert_version_2("bar", Hash::Sha256, &text, "OuUJQqFBJhezmcWOAhDGcsD/6OXpOLVlcbF3XMIZO3U=");
    }

    #[test]
    fn cobranded_setup_postpaid_by_version_2_on_two_hosts() {
        for (host, signature) in [
            (CBUI, "62p1yLHleMmcP4twsFBIVo9G7Txvk8iCBxqGlq1nkvc="),
            ("localhost:8080", "EH+QlWvcCbuS573b9IA8xrAly/UHsRH8hy3asKsa3gk="),
        ] {
            assert_version_2(
                GUIDE,
                Hash::Sha256,
                &format!("GET\n{host}\n{CBUI_PATH}\n{POSTPAID}"),
                signature,
            );
        }
    }

    #[test]
    fn cobranded_setup_postpaid_by_version_1() {
        assert_version_1(
            GUIDE,
            "awsSignature",
            &POSTPAID.replace("&signatureMethod=HmacSHA256&signatureVersion=2", ""),
            "callerKeyAKIAIOSFODNN7EXAMPLEcallerReferenceSenderJohnPp10102008callerReferenceSettlementJohnPpSettle10102008creditLimit15globalAmountLimit100paymentMethodCC,ACH,ABTpaymentReasonPostpaid digital downloadspipelineNameSetupPostpaidreturnURLhttp://www.mysite.com/return?x=1usageLimitPeriod11 DayusageLimitType1CountusageLimitValue13version2009-01-09",
            "QqVXOSN3SuZDpDTKM3GkRIUD+lE=",
        );
    }

    #[test]
    fn cobranded_setup_postpaid_in_the_form_of_2007_is_recognised_but_not_accepted() {
        let mut pairs = pairs(&POSTPAID.replace("&signatureMethod=HmacSHA256&signatureVersion=2", ""));
        pairs.reverse();
        let request = Signable { signature_name: "awsSignature", ..request("GET", CBUI_PATH, &pairs) };
        let verdict =
            verify(&SecretKey::new(GUIDE), Scheme::V1, &request, &[CBUI], "GVLXzrAf+ChihRDhs/mVHmLfUnM=", "");
        let Verdict::Differs { reason: Some(reason), .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(
            reason,
            "The request was signed by the rules of 2007 (path, `?`, encoded parameters), but declares signature version 1."
        );
    }

    #[test]
    fn divvy_cobranded_request_by_version_1() {
        assert_version_1(
            "this-is-a-fake-key",
            "awsSignature",
            "version=2009-01-09&callerKey=this-is-a-fake-id&callerReference=my-caller-reference&pipelineName=SingleUse&returnUrl=http%3A%2F%2Fwww.mysite.com%2Fthanks%2Ffor%2Fthe%2Forder&transactionAmount=3.14",
            "callerKeythis-is-a-fake-idcallerReferencemy-caller-referencepipelineNameSingleUsereturnUrlhttp://www.mysite.com/thanks/for/the/ordertransactionAmount3.14version2009-01-09",
            "DI3/fkEGuBzxo0gf8Sp6WQD79ks=",
        );
    }

    #[test]
    fn divvy_return_url_by_version_1() {
        assert_version_1(
            "this-is-a-fake-key",
            "signature",
            "status=SC&callerReference=some-caller-reference&tokenID=some-token-id",
            "callerReferencesome-caller-referencestatusSCtokenIDsome-token-id",
            "8g9Xc+LCya3PTvDDyjJ/r3Tu2+M=",
        );
    }

    #[test]
    fn divvy_notification_by_version_1() {
        assert_version_1(
            "this-is-a-fake-key",
            "signature",
            "status=SUCCESS&paymentReason=Refund&parentTransactionId=14GUOHEPHCAH8ZVTMEDTVUH9HLN7UISRBLK&transactionDate=1255555956&buyerEmail=paul%40example.com&transactionAmount=USD+9.00&notificationType=TransactionStatus&recipientEmail=sam%40example.com&callerReference=txnDtls906af6b8-e500-42e0-b11f-8c7f40f89c46&buyerName=Paul&recipientName=Sam&operation=REFUND&paymentMethod=CC&transactionId=14HAFEVKQ4HT4PC9TDKND9OIB244PU3JC4I",
            "buyerEmailpaul@example.combuyerNamePaulcallerReferencetxnDtls906af6b8-e500-42e0-b11f-8c7f40f89c46notificationTypeTransactionStatusoperationREFUNDparentTransactionId14GUOHEPHCAH8ZVTMEDTVUH9HLN7UISRBLKpaymentMethodCCpaymentReasonRefundrecipientEmailsam@example.comrecipientNameSamstatusSUCCESStransactionAmountUSD 9.00transactionDate1255555956transactionId14HAFEVKQ4HT4PC9TDKND9OIB244PU3JC4I",
            "DPzwTCUGsxzmlSs00ZaWLgzgls8=",
        );
    }

    #[test]
    fn guide_return_url_by_version_1() {
        assert_version_1(
            GUIDE,
            "signature",
            "tokenID=543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK&status=SC&expiry=10%2F2013&callerReference=CallerReference13",
            "callerReferenceCallerReference13expiry10/2013statusSCtokenID543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK",
            "IG5Ui/uhy2PrD+H5dcCpaGYNiPc=",
        );
    }

    #[test]
    fn a_secret_longer_than_a_block_is_hashed_first() {
        // RFC 2104, section 2.
        let (text, secret) = ("any text", "*".repeat(80));
        let long = SecretKey::new(&secret);
        let hashed = Sha256::digest(secret.as_bytes());
        let direct = <Hmac<Sha256> as KeyInit>::new_from_slice(&hashed).unwrap();
        assert_eq!(
            long.sign(Hash::Sha256, &[text.as_bytes()]),
            STANDARD.encode(direct.chain_update(text).finalize().into_bytes())
        );
    }
}

mod rules {
    use super::*;

    #[test]
    fn exactly_the_unreserved_characters_stay() {
        let all: String = (' '..='~').collect();
        let mut out = String::from("kept:");
        percent_encode(&all, &mut out);
        assert_eq!(
            out,
            "kept:%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
        );
    }

    #[test]
    fn names_sort_by_bytes_then_values_do() {
        let pairs = pairs("b=2&AmountX=1&b=1&Amount.Value=1&a=1&AWS=1&Action=1&é=1");
        let text = string_to_sign(V2_SHA256, &request("GET", "/", &pairs), "h");
        let line = "AWS=1&Action=1&Amount.Value=1&AmountX=1&a=1&b=1&b=2&%C3%A9=1";
        assert_eq!(text, format!("GET\nh\n/\n{line}"));
    }

    #[test]
    fn version_1_keeps_equal_names_in_the_order_of_arrival() {
        let pairs = pairs("b=2&B=1&a=3&b=0");
        assert_eq!(string_to_sign(Scheme::V1, &request("GET", "/", &pairs), "h"), "a3b2B1b0");
    }

    #[test]
    fn the_host_is_put_into_lower_case_and_the_empty_path_is_a_slash() {
        assert_eq!(
            string_to_sign(V2_SHA1, &request("POST", "", &[]), "LocalHost:80"),
            "POST\nlocalhost:80\n/\n"
        );
    }

    #[test]
    fn each_segment_of_the_path_is_encoded_once() {
        for (path, line) in [
            ("/a b/c", "/a%20b/c"),
            ("/a%20b/c", "/a%20b/c"),
            ("/a%2fb/~c*/", "/a%2Fb/~c%2A/"),
            ("/%ff%zz", "/%FF%25zz"),
            ("//", "//"),
        ] {
            let text = string_to_sign(V2_SHA256, &request("GET", path, &[]), "h");
            assert_eq!(text, format!("GET\nh\n{line}\n"), "{path}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(format!("{:?}", SecretKey::new("open sesame")), "SecretKey(…)");
    }

    #[test]
    fn hashes_are_known_by_name() {
        assert_eq!(Hash::from_name("HmacSHA1"), Some(Hash::Sha1));
        assert_eq!(Hash::from_name("HmacSHA256"), Some(Hash::Sha256));
        assert_eq!(Hash::from_name("hmacsha256"), None);
    }
}

mod check {
    use super::*;

    const HOST: &str = "localhost:8080";

    fn signed(scheme: Scheme) -> (SecretKey, Vec<(String, String)>, String) {
        let secret = SecretKey::new(GUIDE);
        let pairs = pairs(super::reasons::SENT);
        let signature = sign(&secret, scheme, &request("GET", "/", &pairs), HOST);
        (secret, pairs, signature)
    }

    /// Whether the check accepts; the raw parameters are too long to look for an explanation, to save time.
    fn accepts(secret: &SecretKey, scheme: Scheme, request: &Signable<'_>, given: &str) -> bool {
        let raw = "&".repeat(20_000);
        matches!(verify(secret, scheme, request, &[HOST], given, &raw), Verdict::Matches { .. })
    }

    #[test]
    fn the_host_that_was_signed_is_reported_in_lower_case() {
        let (secret, pairs, signature) = signed(V2_SHA256);
        let verdict = verify(
            &secret,
            V2_SHA256,
            &request("GET", "/", &pairs),
            &["localhost", "LocalHost:8080"],
            &signature,
            "",
        );
        assert_eq!(verdict, Verdict::Matches { host: HOST.to_owned() });
    }

    #[test]
    fn version_1_needs_no_host() {
        let (secret, pairs, signature) = signed(Scheme::V1);
        let verdict = verify(&secret, Scheme::V1, &request("GET", "/", &pairs), &[], &signature, "");
        assert_eq!(verdict, Verdict::Matches { host: String::new() });
    }

    #[test]
    fn line_breaks_after_the_signature_do_not_matter() {
        let (secret, pairs, signature) = signed(V2_SHA256);
        assert!(accepts(&secret, V2_SHA256, &request("GET", "/", &pairs), &format!("{signature}\r\n")));
    }

    #[test]
    fn mutated_signatures_never_verify() {
        for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
            let (secret, pairs, signature) = signed(scheme);
            let request = request("GET", "/", &pairs);
            assert!(accepts(&secret, scheme, &request, &signature));
            for index in 0..signature.len() {
                for replacement in "A9+/= %-_\n".chars() {
                    let mut mutated: Vec<char> = signature.chars().collect();
                    if mutated[index] == replacement {
                        continue;
                    }
                    mutated[index] = replacement;
                    let mutated: String = mutated.into_iter().collect();
                    assert!(!accepts(&secret, scheme, &request, &mutated), "{mutated}");
                }
                assert!(!accepts(&secret, scheme, &request, &signature[..index]));
            }
            for wrong in [format!("{signature}="), format!(" {signature}"), format!("A{signature}")] {
                assert!(!accepts(&secret, scheme, &request, &wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn mutated_requests_never_verify() {
        let (secret, pairs, signature) = signed(V2_SHA256);
        for index in 0..pairs.len() {
            let mut changed = pairs.clone();
            changed[index].1.push('x');
            assert!(!accepts(&secret, V2_SHA256, &request("GET", "/", &changed), &signature));
            changed.remove(index);
            assert!(!accepts(&secret, V2_SHA256, &request("GET", "/", &changed), &signature));
        }
        assert!(!accepts(&secret, V2_SHA256, &request("POST", "/", &pairs), &signature));
        assert!(!accepts(&secret, V2_SHA256, &request("GET", "/x", &pairs), &signature));
        assert!(!accepts(&secret, V2_SHA1, &request("GET", "/", &pairs), &signature));
        assert!(!accepts(&secret, Scheme::V1, &request("GET", "/", &pairs), &signature));
    }
}

mod reasons {
    use super::*;

    /// Awkward characters, and an order of arrival that is neither sorted by bytes nor ignoring case.
    pub(super) const SENT: &str = "Version=2008-09-17&Action=Pay&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&CallerDescription=T+~+a%2Bb+%26+'q'+(x)*!%2F&CallerReference=ref+1&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2009-10-07T11:20:33%2B00:00&TransactionAmount.Value=10.00";
    const HOSTS: [&str; 2] = ["localhost:8080", "localhost"];

    /// The reason for `given` on the awkward request, with the query as it was sent.
    fn reason(scheme: Scheme, given: &str) -> Option<String> {
        reason_of(scheme, SENT, given)
    }

    fn reason_of(scheme: Scheme, sent: &str, given: &str) -> Option<String> {
        let pairs = pairs(sent);
        let request = request("GET", "/", &pairs);
        match verify(&SecretKey::new(GUIDE), scheme, &request, &HOSTS, given, sent) {
            Verdict::Differs { reason, string_to_sign } => {
                assert_eq!(string_to_sign, super::string_to_sign(scheme, &request, HOSTS[0]));
                reason
            }
            Verdict::Matches { .. } => panic!("accepted"),
        }
    }

    /// What should be signed.
    fn right(scheme: Scheme) -> String {
        string_to_sign(scheme, &request("GET", "/", &pairs(SENT)), HOSTS[0])
    }

    fn hmac(hash: Hash, text: &str) -> String {
        SecretKey::new(GUIDE).sign(hash, &[text.as_bytes()])
    }

    /// Asserts the reason for signing `text` in place of the right one.
    #[track_caller]
    fn assert_reason(scheme: Scheme, text: &str, expected: &str) {
        assert_ne!(text, right(scheme), "the test signs nothing wrong");
        assert_eq!(reason(scheme, &hmac(scheme.hash(), text)).as_deref(), Some(expected));
    }

    #[track_caller]
    fn assert_replaced(from: &str, to: &str, expected: &str) {
        assert_reason(V2_SHA256, &right(V2_SHA256).replace(from, to), expected);
    }

    /// The right text with its parameters in another order.
    fn reordered(names: &[&str]) -> String {
        let right = right(V2_SHA256);
        let (head, line) = right.rsplit_once('\n').unwrap();
        let mut pairs: Vec<&str> = line.split('&').collect();
        pairs.sort_by_key(|pair| names.iter().position(|name| pair.starts_with(&format!("{name}="))));
        format!("{head}\n{}", pairs.join("&"))
    }

    #[test]
    fn a_wrong_secret_gives_no_reason() {
        let pairs = pairs(SENT);
        for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
            let other = sign(&SecretKey::new("another"), scheme, &request("GET", "/", &pairs), HOSTS[0]);
            assert_eq!(reason(scheme, &other), None);
        }
    }

    /// A client signs first and adds parameters of the protocol, or others, afterwards.
    #[test]
    fn a_set_of_parameters_added_after_signing() {
        let own = ["Action", "AWSAccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Version"];
        let pairs = pairs(SENT);
        let reason_without = |added: &[&str], scheme| {
            let signed: Vec<_> =
                pairs.iter().filter(|(name, _)| !added.contains(&name.as_str())).cloned().collect();
            assert_eq!(signed.len() + added.len(), pairs.len(), "{added:?}");
            let given = sign(&SecretKey::new(GUIDE), scheme, &request("GET", "/", &signed), HOSTS[0]);
            reason(V2_SHA256, &given).unwrap_or_else(|| panic!("no reason for {added:?}"))
        };
        for chosen in 0_usize..1 << own.len() {
            let added: Vec<&str> =
                (0..own.len()).filter(|bit| chosen >> bit & 1 == 1).map(|bit| own[bit]).collect();
            if added.len() < 2 {
                continue;
            }
            let found = reason_without(&added, V2_SHA256);
            assert!(found.ends_with("were not among the parameters that were signed."), "{found}");
            for name in own {
                assert_eq!(found.contains(&format!("`{name}`")), added.contains(&name), "{name}: {found}");
            }
        }
        for (index, (one, _)) in pairs.iter().enumerate() {
            for (other, _) in &pairs[index + 1..] {
                let expected =
                    format!("`{one}` and `{other}` were not among the parameters that were signed.");
                assert_eq!(reason_without(&[one, other], V2_SHA256), expected);
            }
        }
        let last: Vec<&str> = pairs[pairs.len() - 4..].iter().map(|(name, _)| name.as_str()).collect();
        assert!(reason_without(&last, V2_SHA256).contains("were not among the parameters"));
        let by_version_1 = reason_without(&["SignatureMethod", "SignatureVersion"], Scheme::V1);
        assert!(by_version_1.contains("by the rules of version 1"), "{by_version_1}");
        assert!(by_version_1.contains("`SignatureMethod` and `SignatureVersion`"), "{by_version_1}");
    }

    #[test]
    fn long_lists_and_long_names_are_cut_off() {
        let long = "x".repeat(200);
        let names: Vec<&str> = vec![&long; 20];
        let text = reason::listed(&names, " or ");
        assert!(text.len() < 1000 && text.ends_with(" or 12 more"), "{text}");
        assert_eq!(reason::listed(&["a"], " or "), "`a`");
        assert_eq!(reason::listed(&["a", "b", "c"], " or "), "`a`, `b` or `c`");
    }

    #[test]
    fn another_host() {
        for host in [
            "fps.amazonaws.com",
            "fps.sandbox.amazonaws.com",
            "authorize.payments.amazon.com",
            "authorize.payments-sandbox.amazon.com:443",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "::1",
            "localhost:80",
            "localhost:443",
        ] {
            let has_port = host.ends_with(":443") || host.ends_with("80");
            let remedy = if has_port { "" } else { " (--host-alias takes another)" };
            let expected = format!(
                "The host was signed as `{host}`, where `localhost:8080` or `localhost` is expected{remedy}."
            );
            assert_replaced("\nlocalhost:8080\n", &format!("\n{host}\n"), &expected);
        }
    }

    #[test]
    fn no_host() {
        assert_replaced(
            "localhost:8080",
            "",
            "The host was signed as nothing, where `localhost:8080` or `localhost` is expected.",
        );
    }

    #[test]
    fn a_host_with_or_without_the_port() {
        let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
        let request = request("GET", "/", &pairs);
        for (signed, accepted, remedy) in [
            ("sandbox.test", "sandbox.test:81", " (--host-alias takes another)"),
            ("sandbox.test:80", "sandbox.test", ""),
        ] {
            let given = sign(&secret, V2_SHA256, &request, signed);
            let Verdict::Differs { reason, .. } =
                verify(&secret, V2_SHA256, &request, &[accepted], &given, SENT)
            else {
                panic!("accepted")
            };
            let expected =
                format!("The host was signed as `{signed}`, where `{accepted}` is expected{remedy}.");
            assert_eq!(reason, Some(expected));
        }
    }

    #[test]
    fn a_host_not_in_lower_case() {
        let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
        let given = hmac(Hash::Sha256, &right(V2_SHA256).replace("localhost", "LocalHost"));
        let verdict =
            verify(&secret, V2_SHA256, &request("GET", "/", &pairs), &["LocalHost:8080"], &given, SENT);
        let Verdict::Differs { reason, .. } = verdict else { panic!("accepted") };
        let expected = "The host was signed as `LocalHost:8080`, but has to be in lower case.";
        assert_eq!(reason.as_deref(), Some(expected));
    }

    #[test]
    fn blanks_as_plus() {
        assert_replaced(
            "%20",
            "+",
            "The values were encoded with blanks as `+` instead of `%20` (first `CallerDescription`).",
        );
    }

    #[test]
    fn the_other_hash() {
        assert_eq!(
            reason(V2_SHA256, &hmac(Hash::Sha1, &right(V2_SHA256))).as_deref(),
            Some("HmacSHA1 was used, but the declared method is HmacSHA256.")
        );
        assert_eq!(
            reason(V2_SHA1, &hmac(Hash::Sha256, &right(V2_SHA1))).as_deref(),
            Some("HmacSHA256 was used, but the declared method is HmacSHA1.")
        );
        assert_eq!(
            reason(Scheme::V1, &hmac(Hash::Sha256, &right(Scheme::V1))).as_deref(),
            Some("HmacSHA256 was used, but signature version 1 goes with HmacSHA1.")
        );
    }

    #[test]
    fn another_signature_version() {
        let version_1 = "The request was signed by the rules of version 1, but declares signature version 2.";
        assert_eq!(reason(V2_SHA256, &hmac(Hash::Sha1, &right(Scheme::V1))).as_deref(), Some(version_1));
        assert_eq!(reason(V2_SHA256, &hmac(Hash::Sha256, &right(Scheme::V1))).as_deref(), Some(version_1));
        let version_2 = "The request was signed by the rules of version 2, but declares signature version 1.";
        assert_reason(Scheme::V1, &right(V2_SHA1), version_2);
        assert_eq!(reason(Scheme::V1, &hmac(Hash::Sha256, &right(V2_SHA256))).as_deref(), Some(version_2));
    }

    #[test]
    fn signature_version_0() {
        let given = hmac(Hash::Sha1, "Pay2009-10-07T11:20:33+00:00");
        for (scheme, declared) in [(V2_SHA256, 2), (V2_SHA1, 2), (Scheme::V1, 1)] {
            let expected = format!(
                "The request was signed by the rules of version 0 (Action and Timestamp only), but declares signature version {declared}."
            );
            assert_eq!(reason(scheme, &given), Some(expected));
        }
    }

    #[test]
    fn sorted_ignoring_case() {
        let text = reordered(&["Action", "AWSAccessKeyId"]);
        let (head, line) = text.rsplit_once('\n').unwrap();
        let mut pairs: Vec<&str> = line.split('&').collect();
        pairs.sort_by_key(|pair| pair.to_ascii_lowercase());
        assert_reason(
            V2_SHA256,
            &format!("{head}\n{}", pairs.join("&")),
            "The parameters were signed sorted ignoring case, not sorted by the bytes of their names (`AWSAccessKeyId` has to come before `Action`).",
        );
    }

    #[test]
    fn in_the_order_of_arrival() {
        let sent = pairs(SENT);
        let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
        assert_reason(
            V2_SHA256,
            &reordered(&names),
            "The parameters were signed in the order they were sent, not sorted by the bytes of their names (`AWSAccessKeyId` has to come before `Version`).",
        );
    }

    #[test]
    fn version_1_sorted_by_bytes() {
        let right = right(Scheme::V1);
        let text = right.replacen("ActionPay", "", 1).replace("EXAMPLE", "EXAMPLEActionPay");
        assert_reason(
            Scheme::V1,
            &text,
            "The parameters were signed sorted by the bytes of their names, not sorted ignoring case (`Action` has to come before `AWSAccessKeyId`).",
        );
    }

    #[test]
    fn version_1_with_encoded_values() {
        let mut text = String::new();
        percent_encode(&right(Scheme::V1), &mut text);
        assert_reason(
            Scheme::V1,
            &text,
            "The values were percent-encoded, but are signed as they are (first `CallerDescription`).",
        );
    }

    #[test]
    fn hexadecimal_digits_in_lower_case() {
        let text = ["2B", "3A", "2F", "2A"].iter().fold(right(V2_SHA256), |text, digits| {
            text.replace(&format!("%{digits}"), &format!("%{}", digits.to_ascii_lowercase()))
        });
        assert_reason(
            V2_SHA256,
            &text,
            "The values were encoded with hexadecimal digits in lower case (first `CallerDescription`).",
        );
    }

    #[test]
    fn a_tilde_encoded() {
        assert_replaced(
            "~",
            "%7E",
            "The values were encoded with `~` as `%7E` instead of left as it is (first `CallerDescription`).",
        );
    }

    #[test]
    fn reserved_characters_left_as_they_are() {
        assert_replaced(
            "%2A",
            "*",
            "The values were encoded with `*` left as it is instead of `%2A` (first `CallerDescription`).",
        );
        assert_replaced(
            "%3A",
            ":",
            "The values were encoded with `:` left as it is instead of `%3A` (first `Timestamp`).",
        );
        let text = [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*")]
            .iter()
            .fold(right(V2_SHA256), |text, (from, to)| text.replace(from, to));
        assert_reason(
            V2_SHA256,
            &text,
            "The values were encoded with `!` left as it is instead of `%21` and `'` left as it is instead of `%27` and `(` left as it is instead of `%28` and `)` left as it is instead of `%29` and `*` left as it is instead of `%2A` (first `CallerDescription`).",
        );
    }

    #[test]
    fn encoded_like_a_form() {
        let text = right(V2_SHA256).replace("%20", "+").replace('~', "%7E").replace("%2A", "*");
        assert_reason(
            V2_SHA256,
            &text,
            "The values were encoded with blanks as `+` instead of `%20` and `~` as `%7E` instead of left as it is and `*` left as it is instead of `%2A` (first `CallerDescription`).",
        );
    }

    #[test]
    fn not_encoded_at_all() {
        let text = percent_decode_str(&right(V2_SHA256)).decode_utf8().unwrap().into_owned();
        assert_reason(
            V2_SHA256,
            &text,
            "The values were signed without percent-encoding (first `CallerDescription`).",
        );
    }

    #[test]
    fn encoded_twice_before_signing() {
        assert_replaced(
            "%",
            "%25",
            "The values were percent-encoded twice before signing (first `CallerDescription`).",
        );
    }

    #[test]
    fn encoded_twice_when_sent() {
        let sent = SENT.replace('+', "%20").replace('%', "%25");
        assert_eq!(
            reason_of(V2_SHA256, &sent, &hmac(Hash::Sha256, &right(V2_SHA256))).as_deref(),
            Some("The values were percent-encoded twice when they were sent (first `CallerDescription`).")
        );
    }

    #[test]
    fn signed_as_sent() {
        let head = format!("GET\n{}\n/\n", HOSTS[0]);
        assert_reason(
            V2_SHA256,
            &format!("{head}{SENT}"),
            "The parameters were signed as they were sent, neither decoded nor encoded anew, and in the order they were sent.",
        );
        let mut sorted: Vec<&str> = SENT.split('&').collect();
        sorted.sort_unstable();
        assert_reason(
            V2_SHA256,
            &format!("{head}{}", sorted.join("&")),
            "The parameters were signed as they were sent, neither decoded nor encoded anew, and sorted by the bytes of their names.",
        );
    }

    #[test]
    fn a_plus_sent_unencoded() {
        let sent = SENT.replace('+', "%20").replace("33%2B00", "33+00");
        assert_eq!(
            reason_of(V2_SHA256, &sent, &hmac(Hash::Sha256, &right(V2_SHA256))).as_deref(),
            Some("A `+` in `Timestamp` was sent unencoded and arrived as a blank: encode it as %2B.")
        );
    }

    #[test]
    fn the_other_verb() {
        assert_replaced("GET\n", "POST\n", "The verb was signed as `POST`, but the request came by GET.");
        assert_replaced("GET\n", "get\n", "The verb was signed as `get`, but the request came by GET.");
    }

    #[test]
    fn another_path() {
        assert_replaced("\n/\n", "\n\n", "The path was signed as nothing, where `/` is expected.");
        let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
        for (came, signed) in [
            ("/fps", "/"),
            ("/fps", "/fps/"),
            ("/fps/", "/fps"),
            ("/a%2Ab", "/a*b"),
            ("/a*b", "/a*b"),
            ("/a%2Ab", "/a%252Ab"),
        ] {
            let text = right(V2_SHA256).replace("\n/\n", &format!("\n{signed}\n"));
            let request = request("GET", came, &pairs);
            let verdict = verify(&secret, V2_SHA256, &request, &HOSTS, &hmac(Hash::Sha256, &text), SENT);
            let Verdict::Differs { reason, .. } = verdict else { panic!("accepted") };
            let came = came.replace('*', "%2A");
            let expected = format!("The path was signed as `{signed}`, where `{came}` is expected.");
            assert_eq!(reason, Some(expected));
        }
    }

    #[test]
    fn the_signature_among_what_was_signed() {
        let sentence = "The Signature parameter itself was part of what was signed.";
        assert_replaced("&SignatureMethod", "&Signature=&SignatureMethod", sentence);
        let mut earlier = String::new();
        percent_encode(&hmac(Hash::Sha256, &right(V2_SHA256)), &mut earlier);
        assert_replaced("&SignatureMethod", &format!("&Signature={earlier}&SignatureMethod"), sentence);
        let text = right(V2_SHA256).replace("&SignatureMethod", "&Signature=old&SignatureMethod");
        let given = hmac(Hash::Sha256, &text);
        assert_eq!(reason_of(V2_SHA256, &format!("{SENT}&Signature=old"), &given).as_deref(), Some(sentence));
        assert_reason(
            Scheme::V1,
            &right(Scheme::V1).replace("SignatureMethod", "SignatureSignatureMethod"),
            sentence,
        );
    }

    #[test]
    fn a_parameter_that_was_not_signed() {
        assert_replaced(
            "&CallerReference=ref%201",
            "",
            "`CallerReference` was not among the parameters that were signed.",
        );
    }

    #[test]
    fn a_line_break_at_the_end() {
        for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
            assert_reason(scheme, &(right(scheme) + "\n"), "A line break was signed at the end.");
        }
    }

    #[test]
    fn a_signature_in_hexadecimal() {
        let tag = STANDARD.decode(hmac(Hash::Sha256, &right(V2_SHA256))).unwrap();
        let hex = tag.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(
            reason(V2_SHA256, &hex).as_deref(),
            Some("The Signature was written in hexadecimal, where the base64 of the raw bytes is expected.")
        );
        assert_eq!(
            reason(V2_SHA256, &STANDARD.encode(hex)).as_deref(),
            Some(
                "The Signature is the base64 of hexadecimal digits, where the base64 of the raw bytes is expected."
            )
        );
    }

    /// A request whose right signature has a `+` in it, and that signature.
    fn with_plus() -> (String, String) {
        (0..1_000)
            .map(|number| format!("{SENT}&SenderReference={number}"))
            .map(|sent| {
                let pairs = pairs(&sent);
                let given = sign(&SecretKey::new(GUIDE), V2_SHA256, &request("GET", "/", &pairs), HOSTS[0]);
                (sent, given)
            })
            .find(|(_, given)| given.contains('+') && given.contains('/'))
            .unwrap()
    }

    #[test]
    fn an_unencoded_plus_in_the_signature() {
        let (sent, given) = with_plus();
        let expected =
            "A `+` in the Signature arrived as a blank: encode + as %2B in the Signature parameter.";
        assert_eq!(reason_of(V2_SHA256, &sent, &given.replace('+', " ")).as_deref(), Some(expected));
    }

    #[test]
    fn a_signature_encoded_twice_or_otherwise_odd() {
        let (sent, given) = with_plus();
        let mut twice = String::new();
        percent_encode(&given, &mut twice);
        assert_eq!(
            reason_of(V2_SHA256, &sent, &twice).as_deref(),
            Some("The Signature was percent-encoded twice when it was sent.")
        );
        assert_eq!(
            reason_of(V2_SHA256, &sent, &given.replace('+', "-").replace('/', "_")).as_deref(),
            Some("The Signature is not in standard base64, which has `+` and `/`, and ends in `=`.")
        );
        assert_eq!(
            reason_of(V2_SHA256, &sent, &given.replacen('/', "\n/", 1)).as_deref(),
            Some("The Signature has white space in it that is not part of its base64.")
        );
    }

    #[test]
    fn not_a_signature_at_all() {
        assert_eq!(reason(V2_SHA256, "").as_deref(), Some("The Signature is empty."));
        assert_eq!(
            reason(V2_SHA256, "no signature!").as_deref(),
            Some(
                "The Signature is not base64: HmacSHA256 gives 44 characters of `A-Z a-z 0-9 + /` that end in `=`."
            )
        );
        assert_eq!(
            reason(V2_SHA1, "AAAA").as_deref(),
            Some("The Signature is the base64 of 3 bytes, but HmacSHA1 gives 20 bytes.")
        );
        assert_eq!(
            reason(V2_SHA256, &STANDARD.encode([7; 20])).as_deref(),
            Some("The Signature is the base64 of 20 bytes, but HmacSHA256 gives 32 bytes.")
        );
    }

    #[test]
    fn two_mistakes_at_once() {
        let another = |host: &str| format!("\n{host}\n");
        let text =
            right(V2_SHA256).replace("\nlocalhost:8080\n", &another("fps.amazonaws.com")).replace("%20", "+");
        assert_reason(
            V2_SHA256,
            &text,
            "The host was signed as `fps.amazonaws.com`, where `localhost:8080` or `localhost` is expected (--host-alias takes another), and the values were encoded with blanks as `+` instead of `%20` (first `CallerDescription`).",
        );
        let text = right(V2_SHA256).replace("\nlocalhost:8080\n", &another("127.0.0.1:8080"));
        assert_eq!(
            reason(V2_SHA256, &hmac(Hash::Sha1, &text)).as_deref(),
            Some(
                "HmacSHA1 was used, but the declared method is HmacSHA256, and the host was signed as `127.0.0.1:8080`, where `localhost:8080` or `localhost` is expected."
            )
        );
        let text = right(V2_SHA256).replace("GET\n", "POST\n").replace('~', "%7E");
        assert_reason(
            V2_SHA256,
            &text,
            "The verb was signed as `POST`, but the request came by GET, and the values were encoded with `~` as `%7E` instead of left as it is (first `CallerDescription`).",
        );
    }

    #[test]
    fn huge_requests_are_not_searched() {
        let text = right(V2_SHA256).replace("GET\n", "POST\n");
        let sent = format!("{SENT}&SenderDescription={}", "x".repeat(1 << 20));
        assert_eq!(reason_of(V2_SHA256, &sent, &hmac(Hash::Sha256, &text)), None);
        let sent = format!("{SENT}{}", "&a=".repeat(1_000));
        assert_eq!(reason_of(V2_SHA256, &sent, &hmac(Hash::Sha256, &text)), None);
    }

    #[test]
    fn no_reason_holds_the_secret() {
        for given in ["", "x", "AAAA", &hmac(Hash::Sha1, "x"), &hmac(Hash::Sha256, &right(Scheme::V1))] {
            for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
                assert!(!reason(scheme, given).unwrap_or_default().contains(GUIDE));
            }
        }
    }
}
