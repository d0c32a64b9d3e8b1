using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// The name of a body's blob: <c>body/{tenant}/{yyyyMMdd}/{holder key}/{emailId}</c>, or <c>shared</c> in the holder's place. The holder's key
/// begins with a digit, so it never reads <c>shared</c>.
/// </summary>
/// <param name="Day">The blob's day of birth, UTC.</param>
/// <param name="Sole">The holder, or null: the holders have a row each.</param>
internal readonly record struct BodyName(string Tenant, DateOnly Day, BodyHolder? Sole, EmailId Email)
{
    public const string Prefix = "body/";

    private const string PartitionPrefix = "blobref:";
    private const string SharedSegment = "shared";

    /// <summary>All partitions of holder rows.</summary>
    public static KeyRange AllPartitions => KeyRange.Prefix(PartitionPrefix);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Prefix}{TableKey.Encode(Tenant)}/{Day:yyyyMMdd}/{Sole?.Key ?? SharedSegment}/{Email}");

    /// <summary>The partition of a blob's holder rows.</summary>
    public static string PartitionOf(string blobName) => PartitionPrefix + TableKey.Encode(blobName);

    /// <summary>The blob whose holder rows lie in a partition.</summary>
    public static bool TryParsePartition(string partition, [NotNullWhen(true)] out string? blobName)
    {
        blobName = null;
        return partition.StartsWith(PartitionPrefix, StringComparison.Ordinal) && TableKey.TryDecode(partition[PartitionPrefix.Length..], out blobName);
    }

    public static bool TryParse(string name, out BodyName body)
    {
        body = default;
        var parts = name.Split('/');
        if (parts is not ["body", var tenantKey, var dayText, var holderKey, var emailText] || emailText.Length != 32 ||
            !TableKey.TryDecode(tenantKey, out var tenant) ||
            !DateOnly.TryParseExact(dayText, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return false;
        }

        BodyHolder? sole = null;
        if (holderKey != SharedSegment && !BodyHolder.TryParse(holderKey, out sole))
        {
            return false;
        }

        try
        {
            body = new BodyName(tenant, day, sole, EmailId.Parse(emailText));
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
