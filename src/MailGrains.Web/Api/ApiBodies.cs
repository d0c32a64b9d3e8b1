using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace MailGrains.Web.Api;

/// <summary>What a PUT of a tenant says; everything is replaced.</summary>
internal sealed record TenantBody(string? DisplayName = null);

/// <summary>What a PUT of a domain says; everything is replaced.</summary>
/// <param name="CatchAll">The address that takes mail for unknown users of the domain.</param>
/// <param name="Postmaster">The address that takes postmaster's mail where postmaster@ has no mailbox or alias.</param>
internal sealed record DomainBody(string? CatchAll = null, string? Postmaster = null);

/// <summary>What a PUT of a mailbox says; what is left out stays.</summary>
/// <param name="QuotaBytes">0: no limit.</param>
internal sealed record MailboxBody(string? Password = null, long? QuotaBytes = null)
{
    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => nameof(MailboxBody);
}

/// <summary>What a PUT of an alias says.</summary>
internal sealed record AliasBody(string[]? Targets = null);

internal sealed record TenantView(string Name, string? DisplayName);

internal sealed record DomainView(string Name, string? CatchAll, string? Postmaster);

/// <param name="Complete">False after a PUT or DELETE that failed midway: repeat it.</param>
internal sealed record MailboxView(string Address, string Id, long QuotaBytes, bool Complete);

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
[JsonSerializable(typeof(Page<NameView>))]
[JsonSerializable(typeof(Page<AddressView>))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class ApiJson : JsonSerializerContext;
