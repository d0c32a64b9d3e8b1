using System.Text;
using CsCheck;
using MailGrains.Messages.Summaries;
using MimeKit;

namespace MailGrains.Messages.Tests.Summaries;

/// <summary>On lists that follow the grammar, MimeKit's own parser is the oracle.</summary>
public sealed class AddressListPropertyTests
{
    private static readonly Gen<string> Atom = Gen.String[Gen.Char["abcXYZ019!#$%&'*+-/=?^_`{|}~"], 1, 8].Where(a => !a.Contains("=?", StringComparison.Ordinal));

    private static readonly Gen<string> Domain = Gen.String[Gen.Char['a', 'z'], 1, 8].Array[1, 3].Select(labels => string.Join('.', labels));

    private static readonly Gen<string> AddrSpec = Gen.Select(Atom.Array[1, 2], Domain, (local, domain) => $"{string.Join('.', local)}@{domain}");

    private static readonly Gen<string> Phrase = Gen.OneOf(
        Atom.Array[1, 3].Select(words => string.Join(' ', words)),
        Gen.String[Gen.Char["abc ,;:<>@()[]."], 1, 12].Where(q => q.Trim().Length > 0).Select(q => $"\"{q.Trim()}\""));

    private static readonly Gen<string> Mailbox = Gen.OneOf(
        AddrSpec, AddrSpec.Select(a => $"<{a}>"), Gen.Select(Phrase, AddrSpec, (name, address) => $"{name} <{address}>"));

    private static readonly Gen<string> Entry = Gen.Frequency(
        (5, Mailbox), (1, Gen.Select(Atom, Mailbox.Array[0, 3], (name, members) => $"{name}: {string.Join(", ", members)};")));

    [Fact]
    public void ListsThatFollowTheGrammarAreReadAsMimeKitReadsThem() => Entry.Array[1, 5].Sample(entries =>
    {
        var list = string.Join(", ", entries);
        var read = new SummaryReader().Read(Encoding.UTF8.GetBytes($"To: {list}\r\n\r\nx")).Envelope.To;
        Assert.Equal(Flat(InternetAddressList.Parse(list)), read.Select(a =>
            a.IsGroupEnd ? "end" : a.IsGroupStart ? $"start {a.Localpart}" : $"{a.Name}|{a.Localpart}@{a.Domain}"));
    }, iter: 3_000);

    private static IEnumerable<string> Flat(InternetAddressList list)
    {
        foreach (var address in list)
        {
            if (address is GroupAddress group)
            {
                yield return $"start {group.Name}";
                foreach (var member in Flat(group.Members))
                {
                    yield return member;
                }

                yield return "end";
            }
            else
            {
                yield return $"{address.Name}|{((MailboxAddress)address).Address}";
            }
        }
    }
}
