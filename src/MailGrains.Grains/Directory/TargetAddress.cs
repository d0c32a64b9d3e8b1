using System.Diagnostics.CodeAnalysis;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>An address that mail is to be sent on to: the localpart as given, since another server may tell cases apart (RFC 5321 §2.4).</summary>
internal static class TargetAddress
{
    public static bool TryNormalize(string text, [NotNullWhen(true)] out string? target)
    {
        target = AddressName.TryParse(text, out var address) ? $"{text[..text.LastIndexOf('@')]}@{address.Domain}" : null;
        return target is not null;
    }
}
