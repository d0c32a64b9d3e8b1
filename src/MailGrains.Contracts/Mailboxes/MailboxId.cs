using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MailGrains.Contracts.Mailboxes;

/// <summary>
/// Names a mailbox for ever: the tenant, the storage account that it was made in, and a part that is never used again. Its text is the
/// key of <see cref="IMailboxGrain"/>: <c>tenant/account-unique</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.MailboxId")]
public readonly record struct MailboxId(
    [property: Id(0)] string Tenant, [property: Id(1)] int Account, [property: Id(2)] string Unique)
{
    /// <summary>A new id in the given account.</summary>
    public static MailboxId New(string tenant, int account) => new(tenant, account, Guid.CreateVersion7().ToString("n"));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Tenant}/{Account}-{Unique}");

    public static MailboxId Parse(string text) =>
        TryParse(text, out var id) ? id.Value : throw new FormatException($"'{text}' is no mailbox id.");

    public static bool TryParse(string text, [NotNullWhen(true)] out MailboxId? id)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var dash = slash < 0 ? -1 : text.IndexOf('-', slash);
        id = slash > 0 && dash > slash + 1 && dash + 1 < text.Length &&
            int.TryParse(text.AsSpan(slash + 1, dash - slash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var account)
            ? new MailboxId(text[..slash], account, text[(dash + 1)..])
            : null;
        return id is not null;
    }
}
