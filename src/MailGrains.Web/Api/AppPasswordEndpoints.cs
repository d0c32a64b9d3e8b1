using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>What an operator sees and revokes of a mailbox's app passwords; only the user makes them.</summary>
internal static class AppPasswordEndpoints
{
    public static void Map(RouteGroupBuilder mailboxes)
    {
        mailboxes.MapGet("/{address}/app-passwords", ListAsync)
            .DescribeGet<AppPasswordsView>("ListAppPasswords", "A mailbox's app passwords, without their secrets");
        mailboxes.MapDelete("/{address}/app-passwords/{id}", RevokeAsync).DescribeDelete("RevokeAppPassword", "Revokes an app password");
    }

    public static AppPasswordsView View(AppPasswordList list) => new([.. list.Passwords.Select(View)]);

    public static AppPasswordView View(AppPassword password) => new(
        password.Id, password.Label, ScopeNames.Of(password.Scopes), password.Created, password.Expires, password.LastUsed);

    private static async Task<IResult> ListAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var (tenantName, name) = (PathNames.Tenant(tenant), PathNames.Address(context, address, following: 1));
        return await grains.GetGrain<ITenantGrain>(tenantName).FindMailboxAsync(name, cancellationToken) is null
            ? ApiProblems.NotFound("The tenant has no such mailbox.")
            : TypedResults.Ok(View(await grains.GetGrain<IAccountGrain>(AccountKey.Of(tenantName, name)).ListAppPasswordsAsync(cancellationToken)));
    }

    private static async Task<IResult> RevokeAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, string id, CancellationToken cancellationToken)
    {
        var (tenantName, name) = (PathNames.Tenant(tenant), PathNames.Address(context, address, following: 2));
        return await grains.GetGrain<ITenantGrain>(tenantName).FindMailboxAsync(name, cancellationToken) is not null &&
            await grains.GetGrain<IAccountGrain>(AccountKey.Of(tenantName, name)).RevokeAppPasswordAsync(id, cancellationToken)
                ? TypedResults.NoContent()
                : ApiProblems.NotFound("The mailbox has no such app password.");
    }
}

/// <summary>The names of <see cref="AccessScope"/>s in JSON.</summary>
internal static class ScopeNames
{
    private static readonly (string Name, AccessScope Scope)[] All =
    [
        ("smtp", AccessScope.Smtp), ("pop3", AccessScope.Pop3), ("imap", AccessScope.Imap), ("jmap", AccessScope.Jmap), ("web", AccessScope.Web),
    ];

    public static IReadOnlyList<string> Of(AccessScope scopes) => [.. All.Where(s => scopes.HasFlag(s.Scope)).Select(s => s.Name)];

    /// <exception cref="ApiException">There is none, or one of another name.</exception>
    public static AccessScope Read(string[]? names)
    {
        var scopes = AccessScope.None;
        foreach (var name in names ?? [])
        {
            scopes |= All.FirstOrDefault(s => s.Name == name).Scope is var scope and not AccessScope.None ? scope : throw Unknown();
        }

        return scopes is AccessScope.None ? throw Unknown() : scopes;
    }

    private static ApiException Unknown() => new(StatusCodes.Status400BadRequest, $"scopes are some of {string.Join(", ", All.Select(s => s.Name))}.");
}
