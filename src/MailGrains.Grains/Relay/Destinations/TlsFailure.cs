namespace MailGrains.Grains.Relay.Destinations;

/// <summary>Result types of RFC 8460 §4.3.</summary>
public enum TlsFailure
{
    StartTlsNotSupported = 1,
    CertificateHostMismatch = 2,
    CertificateExpired = 3,
    CertificateNotTrusted = 4,

    /// <summary>Anything else; the count has a reason beside it.</summary>
    ValidationFailure = 5,
    TlsaInvalid = 6,
    DnssecInvalid = 7,
    DaneRequired = 8,
    StsPolicyFetchError = 9,
    StsPolicyInvalid = 10,
    StsWebPkiInvalid = 11,
}

public static class TlsFailureNames
{
    /// <summary>As a report spells it.</summary>
    public static string ReportName(this TlsFailure failure) => failure switch
    {
        TlsFailure.StartTlsNotSupported => "starttls-not-supported",
        TlsFailure.CertificateHostMismatch => "certificate-host-mismatch",
        TlsFailure.CertificateExpired => "certificate-expired",
        TlsFailure.CertificateNotTrusted => "certificate-not-trusted",
        TlsFailure.TlsaInvalid => "tlsa-invalid",
        TlsFailure.DnssecInvalid => "dnssec-invalid",
        TlsFailure.DaneRequired => "dane-required",
        TlsFailure.StsPolicyFetchError => "sts-policy-fetch-error",
        TlsFailure.StsPolicyInvalid => "sts-policy-invalid",
        TlsFailure.StsWebPkiInvalid => "sts-webpki-invalid",
        _ => "validation-failure",
    };
}
