using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;

namespace MailGrains.Grains.Directory;

/// <summary>The tenant's header row. It stays, dead, when the tenant is deleted, so that its revision never goes back.</summary>
internal sealed record StoredTenant(bool Live, string? DisplayName, StoredOAuth? OAuth = null, StoredLimits? Limits = null, string? Postmaster = null)
{
    [JsonIgnore]
    public TenantSettings Settings => new(DisplayName) { OAuth = OAuth?.Read(), Limits = Limits?.Read(), Postmaster = Postmaster };

    public static StoredTenant Of(TenantSettings settings) => new(
        true,
        settings.DisplayName,
        settings.OAuth is { } issuer ? new StoredOAuth(issuer.Issuer, issuer.Audience, issuer.UserClaim, issuer.JwksUri) : null,
        StoredLimits.Of(settings.Limits),
        settings.Postmaster);
}

internal sealed record StoredOAuth(string Issuer, string Audience, string UserClaim, string? JwksUri)
{
    public OAuthIssuer Read() => new(Issuer, Audience, UserClaim, JwksUri);
}

/// <summary>Where an entry of a tenant stands between the steps of a change.</summary>
internal enum EntryState
{
    /// <summary>A first PUT has not come to its end.</summary>
    Creating = 1,

    Ready = 2,

    /// <summary>A later PUT has not come to its end.</summary>
    Changing = 3,

    /// <summary>A DELETE has not come to its end.</summary>
    Deleting = 4,
}

/// <summary>What a tenant's partition says of one domain.</summary>
internal sealed record DomainEntry(EntryState State, string Id, int Account, string? CatchAll, string? Postmaster, bool BackupMx = false)
{
    [JsonIgnore]
    public DomainSettings Settings => new(CatchAll, Postmaster) { BackupMx = BackupMx };
}

/// <summary>What a tenant's partition says of one mailbox; <see cref="DomainId"/> is the domain's id when the mailbox was made.</summary>
internal sealed record MailboxEntry(EntryState State, string DomainId, string Mailbox, long QuotaBytes, StoredSettings? Account = null);

/// <summary>What a tenant's partition says of one alias.</summary>
internal sealed record AliasEntry(EntryState State, string DomainId, string[] Targets);

/// <summary>A domain's own row; not <see cref="Live"/>: no tenant has it, and <see cref="Tenant"/> had it last.</summary>
internal sealed record StoredDomain(
    bool Live, string Id, string Tenant, int Account, string? CatchAll, string? Postmaster, bool BackupMx = false)
{
    [JsonIgnore]
    public DomainSettings Settings => new(CatchAll, Postmaster) { BackupMx = BackupMx };
}

internal enum StoredAddressKind
{
    /// <summary>Deleted; kept for its revision.</summary>
    None = 0,
    Mailbox = 2,
    Alias = 3,
}

/// <summary>An address's own row.</summary>
internal sealed record StoredAddress(string DomainId, string Tenant, StoredAddressKind Kind, string? Mailbox, string[]? Targets);

/// <summary>An account's own row; without a <see cref="Mailbox"/> it is deleted, without verifiers nobody can log in.</summary>
internal sealed record StoredAccount(
    string? Mailbox, ScramVerifier? Sha256, ScramVerifier? Sha1, StoredSettings? Settings = null,
    StoredAppPassword[]? AppPasswords = null)
{
    public static StoredAccount Deleted { get; } = new(null, null, null);

    public ScramVerifier? VerifierOf(ScramDigest digest) => Mailbox is null ? null : digest == ScramDigest.Sha1 ? Sha1 : Sha256;
}

/// <summary>What a tenant has set for an account; a record without has the defaults.</summary>
internal sealed record StoredSettings(bool Disabled, string[] SendAs, StoredLimits? Limits)
{
    public static StoredSettings Of(AccountSettings settings) => new(
        settings.Disabled,
        settings.SendAs.IsDefault ? [] : [.. settings.SendAs],
        StoredLimits.Of(settings.Limits));

    public static AccountSettings Read(StoredSettings? stored) =>
        stored is null ? AccountSettings.Default : new AccountSettings(stored.Disabled, [.. stored.SendAs], stored.Limits?.Read());
}

internal sealed record StoredLimits(int MessagesPerHour, int MessagesPerDay, int RecipientsPerHour, int RecipientsPerDay)
{
    public static StoredLimits? Of(SendingLimits? limits) => limits is { } l
        ? new StoredLimits(l.MessagesPerHour, l.MessagesPerDay, l.RecipientsPerHour, l.RecipientsPerDay)
        : null;

    public SendingLimits Read() => new(MessagesPerHour, MessagesPerDay, RecipientsPerHour, RecipientsPerDay);
}

/// <summary>A salted SHA-256 of an app password; <see cref="Scopes"/> as <see cref="AccessScope"/> numbers them.</summary>
internal sealed record StoredAppPassword(
    string Id, string Label, int Scopes, DateTimeOffset Created, DateTimeOffset? Expires, byte[] Salt, byte[] Hash)
{
    public AppPassword Read(DateOnly? lastUsed) => new(Id, Label, (AccessScope)Scopes, Created, Expires, lastUsed);
}

/// <summary>What is noted of the logins to a mailbox; <see cref="Used"/>: app passwords' ids, and the day of their last use.</summary>
internal sealed record StoredLogins(string Mailbox, LoginFailures Strangers, StoredPeer[] Peers, Dictionary<string, DateOnly>? Used = null);

/// <summary>An address from which the account was opened, and what has failed from there since.</summary>
internal sealed record StoredPeer(string Peer, DateOnly LastLogin, LoginFailures? Failures);

/// <summary>A random key of the installation.</summary>
internal sealed record StoredSecret(byte[] Key);

/// <summary>
/// The records' form in the store: JSON, so that an operator reads them in any table browser. An unknown property is passed over, a missing one
/// makes the record damaged; one that is added later has a default in its constructor.
/// </summary>
[JsonSerializable(typeof(StoredTenant))]
[JsonSerializable(typeof(DomainEntry))]
[JsonSerializable(typeof(MailboxEntry))]
[JsonSerializable(typeof(AliasEntry))]
[JsonSerializable(typeof(StoredDomain))]
[JsonSerializable(typeof(StoredAddress))]
[JsonSerializable(typeof(StoredAccount))]
[JsonSerializable(typeof(StoredSecret))]
[JsonSerializable(typeof(StoredLogins))]
internal sealed partial class StoredJson : JsonSerializerContext
{
    /// <summary>Letters of every script stand as they are: the size of a record can be told from its text.</summary>
    public static StoredJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
