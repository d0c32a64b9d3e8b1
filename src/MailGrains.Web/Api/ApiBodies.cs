using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace MailGrains.Web.Api;

/// <summary>What a PUT of a tenant says; everything is replaced.</summary>
/// <param name="OAuth">Whose tokens open the tenant's accounts; null: none.</param>
/// <param name="Limits">For all that the tenant sends; null or empty: the service's default.</param>
/// <param name="Postmaster">The address that hears of mail without a sender that could not be delivered; null: nobody.</param>
internal sealed record TenantBody(
    string? DisplayName = null, [property: JsonPropertyName("oauth")] OAuthForm? OAuth = null, LimitsForm? Limits = null, string? Postmaster = null);

/// <summary>Whose tokens are taken, in both directions.</summary>
/// <param name="UserClaim">The claim that holds the account's address.</param>
/// <param name="JwksUri">Where the keys are, where the issuer has no discovery.</param>
internal sealed record OAuthForm(string? Issuer = null, string? Audience = null, string? UserClaim = null, string? JwksUri = null)
{
    public static OAuthForm? Of(OAuthIssuer? issuer) =>
        issuer is null ? null : new OAuthForm(issuer.Issuer, issuer.Audience, issuer.UserClaim, issuer.JwksUri);

    public OAuthIssuer Read() => new(Issuer ?? "", Audience ?? "", UserClaim ?? "", JwksUri);
}

/// <summary>The most that may be sent, in both directions: all four numbers, or none for the default. 0: nothing.</summary>
internal sealed record LimitsForm(
    int? MessagesPerHour = null, int? MessagesPerDay = null, int? RecipientsPerHour = null, int? RecipientsPerDay = null)
{
    public static LimitsForm? Of(SendingLimits? limits) => limits is null
        ? null
        : new LimitsForm(limits.MessagesPerHour, limits.MessagesPerDay, limits.RecipientsPerHour, limits.RecipientsPerDay);

    /// <exception cref="ApiException">Some are missing.</exception>
    public SendingLimits? Read() => this switch
    {
        { MessagesPerHour: { } mh, MessagesPerDay: { } md, RecipientsPerHour: { } rh, RecipientsPerDay: { } rd } => new SendingLimits(mh, md, rh, rd),
        { MessagesPerHour: null, MessagesPerDay: null, RecipientsPerHour: null, RecipientsPerDay: null } => null,
        _ => throw new ApiException(
            StatusCodes.Status400BadRequest, "limits has all of messagesPerHour, messagesPerDay, recipientsPerHour and recipientsPerDay, or none."),
    };
}

/// <summary>What a PUT of a domain says; everything is replaced.</summary>
/// <param name="CatchAll">The address that takes mail for unknown users of the domain.</param>
/// <param name="Postmaster">The address that takes postmaster's mail where postmaster@ has no mailbox or alias.</param>
/// <param name="BackupMx">Its mail, whatever the localpart, is kept until a better MX takes it.</param>
internal sealed record DomainBody(string? CatchAll = null, string? Postmaster = null, bool BackupMx = false);

/// <summary>What a PUT of a mailbox says; what is left out stays.</summary>
/// <param name="QuotaBytes">0: no limit.</param>
/// <param name="Disabled">Nobody may log in; mail is still delivered.</param>
/// <param name="SendAs">What it may send as beside its own address: addresses, or *@domain, of the tenant's domains.</param>
/// <param name="Limits">Empty: the service's default.</param>
internal sealed record MailboxBody(
    string? Password = null, long? QuotaBytes = null, bool? Disabled = null, string[]? SendAs = null, LimitsForm? Limits = null)
{
    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => nameof(MailboxBody);
}

/// <summary>What a change of the user's own password says.</summary>
internal sealed record PasswordBody(string? Current = null, string? New = null)
{
    /// <summary>Keeps the passwords out of logs.</summary>
    public override string ToString() => nameof(PasswordBody);
}

/// <param name="Label">The program that it is for.</param>
/// <param name="Scopes">Of smtp, pop3, imap, jmap and web.</param>
internal sealed record AppPasswordBody(string? Label = null, string[]? Scopes = null, DateTimeOffset? Expires = null);

/// <summary>What a PUT of an alias says.</summary>
internal sealed record AliasBody(string[]? Targets = null);

internal sealed record TenantView(
    string Name, string? DisplayName, [property: JsonPropertyName("oauth")] OAuthForm? OAuth, LimitsForm? Limits, string? Postmaster);

internal sealed record DomainView(string Name, string? CatchAll, string? Postmaster, bool BackupMx);

/// <param name="Complete">False after a PUT or DELETE that failed midway: repeat it.</param>
internal sealed record MailboxView(
    string Address, string Id, long QuotaBytes, bool Complete, bool Disabled, IReadOnlyList<string> SendAs, LimitsForm? Limits);

/// <param name="Limits">Those in force.</param>
internal sealed record SendingView(int MessagesThisHour, int MessagesThisDay, int RecipientsThisHour, int RecipientsThisDay, LimitsForm Limits);

/// <param name="Failures">In the present window.</param>
/// <param name="LockedUntil">Null: not locked.</param>
/// <param name="LastPeer">Where the last failure came from.</param>
internal sealed record LockoutView(int Failures, DateTimeOffset? LockedUntil, string? LastPeer, string? Reason);

/// <param name="Scopes">Of smtp, pop3, imap, jmap and web.</param>
/// <param name="LastUsed">The day.</param>
internal sealed record AppPasswordView(
    string Id, string Label, IReadOnlyList<string> Scopes, DateTimeOffset Created, DateTimeOffset? Expires, DateOnly? LastUsed);

internal sealed record AppPasswordsView(IReadOnlyList<AppPasswordView> Items);

internal sealed record NewAppPasswordView(AppPasswordView AppPassword, string Secret)
{
    /// <summary>Keeps the secret out of logs.</summary>
    public override string ToString() => nameof(NewAppPasswordView);
}

/// <param name="QuotaBytes">0: no limit.</param>
/// <param name="AppPasswords">How many there are.</param>
internal sealed record UserView(string Address, long QuotaBytes, long UsedBytes, int AppPasswords);

internal sealed record AliasView(string Address, IReadOnlyList<string> Targets);

internal sealed record NameView(string Name);

internal sealed record AddressView(string Address);

/// <param name="Next">Pass as <c>after</c> for the next page; null at the end.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.Strict,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(TenantBody))]
[JsonSerializable(typeof(DomainBody))]
[JsonSerializable(typeof(MailboxBody))]
[JsonSerializable(typeof(AliasBody))]
[JsonSerializable(typeof(TenantView))]
[JsonSerializable(typeof(DomainView))]
[JsonSerializable(typeof(MailboxView))]
[JsonSerializable(typeof(AliasView))]
[JsonSerializable(typeof(SendingView))]
[JsonSerializable(typeof(LockoutView))]
[JsonSerializable(typeof(AppPasswordBody))]
[JsonSerializable(typeof(AppPasswordsView))]
[JsonSerializable(typeof(NewAppPasswordView))]
[JsonSerializable(typeof(PasswordBody))]
[JsonSerializable(typeof(UserView))]
[JsonSerializable(typeof(Page<NameView>))]
[JsonSerializable(typeof(Page<AddressView>))]
[JsonSerializable(typeof(QueueOrderBody))]
[JsonSerializable(typeof(QueueOrderView))]
[JsonSerializable(typeof(QueueListView))]
[JsonSerializable(typeof(RenewBody))]
[JsonSerializable(typeof(Page<CertificateView>))]
[JsonSerializable(typeof(RouteView))]
[JsonSerializable(typeof(Page<QueuedMessageView>))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class ApiJson : JsonSerializerContext;
