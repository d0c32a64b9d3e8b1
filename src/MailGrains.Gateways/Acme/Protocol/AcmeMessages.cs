using System.Text.Json.Serialization;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>RFC 8555 §7.1.1; <paramref name="RenewalInfo"/>: RFC 9773 §4.1, where the server has it.</summary>
internal sealed record AcmeDirectory(Uri NewNonce, Uri NewAccount, Uri NewOrder, Uri? RenewalInfo = null);

/// <summary>What is said of an account, in both directions (RFC 8555 §7.1.2, §7.3).</summary>
internal sealed record AcmeAccount(IReadOnlyList<string>? Contact = null, bool? TermsOfServiceAgreed = null, bool? OnlyReturnExisting = null, string? Status = null);

internal sealed record AcmeIdentifier(string Type, string Value)
{
    public static AcmeIdentifier Dns(string name) => new("dns", name);
}

/// <param name="Replaces">The certificate that this one is to take the place of (RFC 9773 §5).</param>
internal sealed record AcmeNewOrder(IReadOnlyList<AcmeIdentifier> Identifiers, string? Replaces = null);

/// <summary>RFC 8555 §7.1.3.</summary>
internal sealed record AcmeOrder(
    string Status, IReadOnlyList<Uri> Authorizations, Uri Finalize, Uri? Certificate = null, AcmeProblem? Error = null,
    IReadOnlyList<AcmeIdentifier>? Identifiers = null);

/// <summary>RFC 8555 §7.1.4.</summary>
internal sealed record AcmeAuthorization(string Status, AcmeIdentifier Identifier, IReadOnlyList<AcmeChallenge> Challenges);

/// <summary>RFC 8555 §8.</summary>
internal sealed record AcmeChallenge(string Type, Uri Url, string? Token = null, string? Status = null, AcmeProblem? Error = null);

internal sealed record AcmeFinalize(string Csr);

/// <summary>What can't be done and why (RFC 7807 §3, RFC 8555 §6.7).</summary>
internal sealed record AcmeProblem(
    string? Type = null, string? Detail = null, AcmeIdentifier? Identifier = null, IReadOnlyList<AcmeProblem>? Subproblems = null);

/// <summary>RFC 9773 §4.2.</summary>
internal sealed record AcmeRenewalInfo(AcmeWindow SuggestedWindow);

internal sealed record AcmeWindow(DateTimeOffset Start, DateTimeOffset End);

/// <summary>States of orders, authorizations and challenges (RFC 8555 §7.1.6).</summary>
internal static class AcmeStatus
{
    public const string Pending = "pending";
    public const string Ready = "ready";
    public const string Processing = "processing";
    public const string Valid = "valid";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 16,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AcmeDirectory))]
[JsonSerializable(typeof(AcmeAccount))]
[JsonSerializable(typeof(AcmeNewOrder))]
[JsonSerializable(typeof(AcmeOrder))]
[JsonSerializable(typeof(AcmeAuthorization))]
[JsonSerializable(typeof(AcmeChallenge))]
[JsonSerializable(typeof(AcmeFinalize))]
[JsonSerializable(typeof(AcmeProblem))]
[JsonSerializable(typeof(AcmeRenewalInfo))]
internal sealed partial class AcmeJson : JsonSerializerContext;
