//! The test vectors, step by step: string to sign, then signature, then verification.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

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
        assert_version_2(GUIDE, Hash::Sha256, &format!("GET\n{host}\n{CBUI_PATH}\n{POSTPAID}"), signature);
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
    let result =
        verify(&SecretKey::new(GUIDE), Scheme::V1, &request, &[CBUI], "GVLXzrAf+ChihRDhs/mVHmLfUnM=", "");
    let VerificationResult::Invalid { explanation: Some(reason), .. } = result else { panic!("{result:?}") };
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
