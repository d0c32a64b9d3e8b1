using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// Keys as Orleans' own Azure Storage providers write them: what a key must not hold becomes <c>_</c>. Unlike <see cref="TableKey"/>
/// this loses the difference between two texts, so a row read by such a key is checked against the name that one of its columns holds.
/// </summary>
internal static class OrleansTableKey
{
    public static string Sanitize(string text) => text.Replace('/', '_').Replace('\\', '_').Replace('#', '_').Replace('?', '_');
}
