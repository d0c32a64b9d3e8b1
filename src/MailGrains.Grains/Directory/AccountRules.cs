using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>What a tenant may set for an account.</summary>
internal static class AccountRules
{
    public const string UnsoundLimits = "A limit is 0 (nothing may be sent) or a number.";

    // Beside what else a record holds, which has MaxRecordChars altogether.
    private const int MaxSendAsChars = 10_000;

    /// <summary>The settings as they are stored, addresses in their one form, or why they can't be; null settings stay null.</summary>
    public static async ValueTask<(StoredSettings? Settings, string? Violation)> NormalizeAsync(
        TenantChange change, AccountSettings? settings, CancellationToken cancellationToken)
    {
        if (settings is null)
        {
            return (null, null);
        }

        if (settings.Limits is { IsSound: false })
        {
            return (null, UnsoundLimits);
        }

        var senders = settings.SendAs.IsDefault ? [] : settings.SendAs;
        if (senders.Length > AccountSettings.MaxSendAs || senders.Sum(s => s.Length) > MaxSendAsChars)
        {
            return (null, $"There are at most {AccountSettings.MaxSendAs} addresses to send as, of {MaxSendAsChars} characters together.");
        }

        var normalized = new SortedSet<string>(StringComparer.Ordinal);
        var domains = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sender in senders)
        {
            if (!TryNormalizeSender(sender, out var text, out var domain))
            {
                return (null, "What an account may send as is an address or *@domain.");
            }

            if (domains.Add(domain) && (await DomainChanges.RequireAsync(change, domain, cancellationToken)).Refusal is not null)
            {
                return (null, $"The tenant has no domain '{domain}' to send as.");
            }

            normalized.Add(text);
        }

        return (StoredSettings.Of(settings with { SendAs = [.. normalized] }), null);
    }

    private static bool TryNormalizeSender(string sender, out string text, out string domain)
    {
        text = domain = "";
        if (sender.StartsWith("*@", StringComparison.Ordinal))
        {
            if (!AddressName.TryNormalizeDomain(sender[2..], out var name))
            {
                return false;
            }

            (text, domain) = ("*@" + name, name);
            return true;
        }

        if (!AddressName.TryParse(sender, out var address))
        {
            return false;
        }

        (text, domain) = (address.ToString(), address.Domain);
        return true;
    }
}
