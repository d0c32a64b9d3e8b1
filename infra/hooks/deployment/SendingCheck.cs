namespace MailGrains.Deployment;

/// <summary>
/// Whether mail can leave on port 25. Azure lets it out of Enterprise Agreement and Microsoft Customer Agreement for enterprises only; of a
/// subscription one can ask by which offer its quota came (<c>subscriptionPolicies.quotaId</c>), which is a sign and no proof.
/// </summary>
public static class SendingCheck
{
    private const string Enterprise = "EnterpriseAgreement_";

    private const string EnterpriseDevTest = "MSDNDevTest_";

    /// <summary>Offers without port 25. An MCA-E subscription may carry the id of the ordinary one, hence "unless".</summary>
    private static readonly string[] Blocked =
    [
        "AzureForStudents", "AzureInOpen_", "AzurePass_", "BizSpark", "CSP_", "DreamSpark_", "FreeTrial_", "LightweightTrial_", "MPN_", "MSDN_",
        "PayAsYouGo_", "Sponsored_",
    ];

    /// <param name="quotaId">Null: it could not be asked.</param>
    /// <param name="smartHost">Null: mail goes to its own servers, on port 25.</param>
    /// <param name="smartHostPort">Text, as set; null: 587.</param>
    public static Finding Judge(string? quotaId, string? smartHost, string? smartHostPort)
    {
        const string smartHostAdvice = "Set a smart host (`azd env set MAILGRAINS_SMART_HOST smtp.example.com`, the same for _USER, `azd env set-secret MAILGRAINS_SMART_HOST_PASSWORD`), " +
            "or mail for others waits in its queues.";
        if (smartHost is not null && smartHostPort is not "25")
        {
            return new Finding(Weight.Good, $"Mail for others goes through {smartHost}, port {smartHostPort ?? "587"}.");
        }

        var way = smartHost is null ? "Mail for others goes to their servers on port 25" : $"{smartHost} is asked on port 25";
        return quotaId switch
        {
            null => new Finding(Weight.Warning, $"{way}; whether this subscription may send there could not be asked. {smartHostAdvice}"),
            _ when quotaId.StartsWith(Enterprise, StringComparison.OrdinalIgnoreCase) =>
                new Finding(Weight.Good, $"{way}, which Azure lets out of a subscription of this offer ({quotaId})."),
            _ when quotaId.StartsWith(EnterpriseDevTest, StringComparison.OrdinalIgnoreCase) => new Finding(
                Weight.Warning, $"{way}, which Azure blocks for this offer ({quotaId}) until you ask for an exemption in the portal. {smartHostAdvice}"),
            _ when Blocked.Any(offer => quotaId.StartsWith(offer, StringComparison.OrdinalIgnoreCase)) => new Finding(
                Weight.Warning,
                $"{way}, which Azure blocks for this offer ({quotaId}) unless it belongs to a Microsoft Customer Agreement for enterprises. {smartHostAdvice}"),
            _ => new Finding(
                Weight.Warning,
                $"{way}, which Azure lets out of enterprise agreements only; whether this offer ({quotaId}) is one is not known. {smartHostAdvice}"),
        };
    }
}
