using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

internal static class MailboxEndpoints
{
    public static void Map(RouteGroupBuilder mailboxes)
    {
        mailboxes.MapGet("", ListAsync).DescribeList<Page<AddressView>>("ListMailboxes", "A tenant's mailboxes by domain and name, a page at a time");
        mailboxes.MapGet("/{address}", GetAsync).DescribeGet<MailboxView>("GetMailbox", "A mailbox");
        mailboxes.MapPut("/{address}", PutAsync).DescribePut<MailboxBody, MailboxView>("PutMailbox", "Makes or changes a mailbox");
        mailboxes.MapDelete("/{address}", DeleteAsync).DescribeDelete("DeleteMailbox", "Deletes a mailbox and its mail");
        mailboxes.MapGet("/{address}/sending", GetSendingAsync).DescribeGet<SendingView>("GetSending", "What a mailbox's account has sent");
    }

    private static Task<IResult> ListAsync(IGrainFactory grains, string tenant, string? after, int? limit, CancellationToken cancellationToken) =>
        AdminApi.ListAsync(grains, tenant, DirectoryCollection.Mailboxes, after, limit, address => new AddressView(address), cancellationToken);

    private static async Task<IResult> GetAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var name = PathNames.Address(context, address);
        return await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).FindMailboxAsync(name, cancellationToken) is { } found
            ? TypedResults.Ok(View(found))
            : ApiProblems.NotFound("The tenant has no such mailbox.");
    }

    private static async Task<IResult> PutAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var tenantName = PathNames.Tenant(tenant);
        var grain = grains.GetGrain<ITenantGrain>(tenantName);
        var name = PathNames.Address(context, address);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.MailboxBody, new MailboxBody());
        var settings = new MailboxSettings(body.Password, body.QuotaBytes) { Account = await SettingsAsync(grain, name, body, cancellationToken) };
        var outcome = await grain.PutMailboxAsync(name, settings, cancellationToken);
        return ApiProblems.Of(outcome) is { } problem
            ? problem
            : await grain.FindMailboxAsync(name, cancellationToken) is { } found
                ? AdminApi.Put(outcome, View(found), "tenants", tenantName, "mailboxes", name.ToString())
                : ApiProblems.NotFound("The mailbox was deleted meanwhile.");
    }

    private static async Task<IResult> DeleteAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken) =>
        ApiProblems.Of(
            await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).DeleteMailboxAsync(PathNames.Address(context, address), cancellationToken));

    /// <summary>What the account may do after this change; null: all of it stays.</summary>
    private static async ValueTask<AccountSettings?> SettingsAsync(
        ITenantGrain grain, AddressName name, MailboxBody body, CancellationToken cancellationToken)
    {
        if (body is { Disabled: null, SendAs: null, Limits: null })
        {
            return null;
        }

        if (body.SendAs?.Contains(null!) == true)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "sendAs holds a null.");
        }

        var present = (await grain.FindMailboxAsync(name, cancellationToken))?.Account ?? AccountSettings.Default;
        return new AccountSettings(
            body.Disabled ?? present.Disabled,
            body.SendAs is { } sendAs ? [.. sendAs] : present.SendAs,
            body.Limits is { } limits ? limits.Read() : present.Limits);
    }

    private static async Task<IResult> GetSendingAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var (tenantName, name) = (PathNames.Tenant(tenant), PathNames.Address(context, address, following: 1));
        if (await grains.GetGrain<ITenantGrain>(tenantName).FindMailboxAsync(name, cancellationToken) is not { } found)
        {
            return ApiProblems.NotFound("The tenant has no such mailbox.");
        }

        var usage = await grains.GetGrain<ISenderGrain>(AccountKey.Of(tenantName, name)).GetUsageAsync(found.Account.Limits, cancellationToken);
        return TypedResults.Ok(new SendingView(
            usage.MessagesThisHour, usage.MessagesThisDay, usage.RecipientsThisHour, usage.RecipientsThisDay, LimitsForm.Of(usage.Limits)!));
    }

    private static MailboxView View(MailboxRecord record) => new(
        record.Address, record.Mailbox.ToString(), record.QuotaBytes, record.Complete, record.Account.Disabled, record.Account.SendAs,
        LimitsForm.Of(record.Account.Limits));
}
