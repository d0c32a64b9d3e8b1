using MailGrains.Contracts.Text;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>Who a client says that it is, and what DNS says of it; a word or two for the log, and facts for filters.</summary>
public readonly record struct ClientRecord(SmtpHello Hello, EhloCheck Ehlo, ReverseName ReverseName)
{
    /// <summary>The confirmed name of its address, or null.</summary>
    public string? ConfirmedName => ReverseName.Status == ReverseNameStatus.Confirmed ? ReverseName.Name : null;

    public override string ToString()
    {
        var name = ReverseName.Status switch
        {
            ReverseNameStatus.Confirmed => ReverseName.Name,
            ReverseNameStatus.NotLookedUp => "not looked up",
            ReverseNameStatus.Unconfirmed => "unconfirmed name",
            ReverseNameStatus.TempError => "name not known now",
            _ => "no name",
        };
        var ehlo = Ehlo switch
        {
            { ClaimsOurName: true } => "claims our name",
            { IsReverseName: true } or { IsOwnLiteral: true } => "true",
            { IsForeignLiteral: true } => "another's address",
            { IsFullyQualified: true } => "a domain",
            _ => "no domain",
        };
        return $"{name}, EHLO {new LogText(Hello.Name)} ({ehlo})";
    }
}
