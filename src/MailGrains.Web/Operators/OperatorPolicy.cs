namespace MailGrains.Web;

/// <summary>The authorization policies of whoever holds the operator's key.</summary>
public static class OperatorPolicy
{
    /// <summary>
    /// For what an operator reads in a browser or a scraper fetches (dashboard, /metrics): the key as bearer token, or as the password of HTTP Basic
    /// with any user name.
    /// </summary>
    public const string Name = "MailGrains.Operator";

    /// <summary>
    /// For the API: the key as bearer token only. A browser repeats Basic credentials by itself, also for a page of somebody else that sends a
    /// form here.
    /// </summary>
    public const string Api = "MailGrains.Operator.Api";
}
