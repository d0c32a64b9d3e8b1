using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>What failed, as RFC 8460 §4.3 names it.</summary>
public enum TlsResultType
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

public static class TlsResultTypes
{
    /// <summary>As a report spells it.</summary>
    public static string ReportName(this TlsResultType result) => result switch
    {
        TlsResultType.StartTlsNotSupported => "starttls-not-supported",
        TlsResultType.CertificateHostMismatch => "certificate-host-mismatch",
        TlsResultType.CertificateExpired => "certificate-expired",
        TlsResultType.CertificateNotTrusted => "certificate-not-trusted",
        TlsResultType.TlsaInvalid => "tlsa-invalid",
        TlsResultType.DnssecInvalid => "dnssec-invalid",
        TlsResultType.DaneRequired => "dane-required",
        TlsResultType.StsPolicyFetchError => "sts-policy-fetch-error",
        TlsResultType.StsPolicyInvalid => "sts-policy-invalid",
        TlsResultType.StsWebPkiInvalid => "sts-webpki-invalid",
        _ => "validation-failure",
    };

    /// <summary>What a handshake that failed, or whose certificate was refused, counts as.</summary>
    public static TlsResultType ResultType(this TlsFailure failure) => failure.Kind switch
    {
        TlsFailureKind.HostMismatch => TlsResultType.CertificateHostMismatch,
        TlsFailureKind.Expired => TlsResultType.CertificateExpired,
        TlsFailureKind.NotTrusted => TlsResultType.CertificateNotTrusted,
        _ => TlsResultType.ValidationFailure,
    };
}
